// Preloaded into the server when the gateway runs it as a child: the gateway holds the other end of standard input and
// never writes. When the gateway dies, even by kill -9, the pipe ends, and the server shuts down as on SIGTERM instead
// of keeping the stick and the port to itself.
const GRACE_MS = 10_000; // the same patience the gateway has with a server it stops itself

const letGo = () => {
  setTimeout(() => process.exit(1), GRACE_MS).unref();
  process.kill(process.pid, "SIGTERM");
};

process.stdin.once("end", letGo);
process.stdin.once("error", letGo);
process.stdin.resume();
process.stdin.unref?.();
