// The mock network that zwave-js ships for its own tests, behind a TCP port on loopback, with hands for the contract scenes.
//
// usage: node mock_network.mjs NODE_MODULES PORT KEYS   (KEYS: JSON, class name to hex)
// Orders come as JSON lines on stdin, answers go as JSON lines to stdout.
//
// Its own server takes one TCP chunk for one frame and dies of two in one chunk (15.29), so bytes are cut into frames here. It also
// advertises itself by mDNS on every interface, which a test must not.

import { createRequire } from "node:module";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";

const [modules, port, keys] = process.argv.slice(2);
const require = createRequire(join(modules, "zwave-js", "package.json"));
const { createDefaultMockControllerBehaviors, createDefaultMockNodeBehaviors } = require("zwave-js/Testing");
const { MockController, MockNode, ccCaps } = require("@zwave-js/testing");
const { createAndOpenMockedZWaveSerialPort } = require("@zwave-js/serial/mock");
const { ZWaveSerialFrameType } = require("@zwave-js/serial");
const { CommandClasses, SecurityClass } = require("@zwave-js/core");

const NODE = 2;
const SLOTS = 6;
const [START, ACK, NAK, CAN] = [0x01, 0x06, 0x15, 0x18];

const { serial, port: mockPort } = await createAndOpenMockedZWaveSerialPort();
const securityKeys = Object.fromEntries(
	Object.entries(JSON.parse(keys)).map(([name, hex]) => [name, Uint8Array.from(Buffer.from(hex, "hex"))]),
);
const controller = await MockController.create({ homeId: 0x7e570001, ownNodeId: 1, securityKeys, mockPort, serial });
controller.defineBehavior(...createDefaultMockControllerBehaviors());
const lock = await MockNode.create({
	id: NODE,
	controller,
	capabilities: {
		manufacturerId: 0x0025,
		productType: 1,
		productId: 0x0021,
		isListening: true,
		isFrequentListening: false,
		securityClasses: new Set([SecurityClass.S2_AccessControl]),
		commandClasses: [
			CommandClasses["Z-Wave Plus Info"],
			{ ccId: CommandClasses["Manufacturer Specific"], version: 2 },
			{ ccId: CommandClasses.Version, version: 3 },
			{ ccId: CommandClasses["Security 2"], version: 1 },
			{ ccId: CommandClasses.Supervision, version: 1, secure: true },
			ccCaps({ ccId: CommandClasses["User Code"], isSupported: true, version: 1, secure: true, numUsers: SLOTS }),
		],
	},
});
controller.addNode(lock);
lock.defineBehavior(...createDefaultMockNodeBehaviors());

const put = (slot, status, pin) => {
	lock.state.set(`UserCode_userIdStatus_${slot}`, status);
	lock.state.set(`UserCode_userCode_${slot}`, pin);
};
const wipe = () => {
	for (let slot = 1; slot <= SLOTS; slot++) put(slot, 0, undefined);
};
const verbs = {
	wipe,
	program: ({ slot, pin }) => put(slot, 1, pin),
	erase: ({ slot }) => put(slot, 0, undefined),
	memory: () => {
		const held = {};
		for (let slot = 1; slot <= SLOTS; slot++) {
			if (lock.state.get(`UserCode_userIdStatus_${slot}`) === 1) {
				held[slot] = String(lock.state.get(`UserCode_userCode_${slot}`));
			}
		}
		return held;
	},
};

function frameLength(bytes) {
	if (bytes[0] !== START) return 1;
	return bytes.length < 2 || bytes.length < bytes[1] + 2 ? 0 : bytes[1] + 2;
}

const server = createServer((socket) => {
	let rest = Buffer.alloc(0);
	const reader = serial.readable.getReader();
	const forward = async () => {
		for (;;) {
			const { value: chunk, done } = await reader.read();
			if (done) return;
			if (chunk.type !== ZWaveSerialFrameType.SerialAPI) continue;
			socket.write(typeof chunk.data === "number" ? Uint8Array.of(chunk.data) : chunk.data);
		}
	};
	forward().catch(() => socket.destroy());
	let turn = Promise.resolve();
	socket.on("data", (bytes) => {
		rest = Buffer.concat([rest, bytes]);
		for (let length = frameLength(rest); rest.length > 0 && length > 0; length = frameLength(rest)) {
			const frame = Uint8Array.from(rest.subarray(0, length));
			rest = rest.subarray(length);
			if ([START, ACK, NAK, CAN].includes(frame[0])) turn = turn.then(() => serial.writeAsync(frame));
		}
	});
	socket.on("error", () => socket.destroy());
	socket.on("close", () => reader.cancel().catch(() => undefined));
});
server.listen(Number(port), "127.0.0.1", () => console.log(JSON.stringify({ ready: true })));

createInterface({ input: process.stdin })
	.on("line", (line) => {
		const { verb, ...facts } = JSON.parse(line);
		console.log(JSON.stringify({ result: verbs[verb](facts) ?? null }));
	})
	.on("close", () => process.exit(0));
