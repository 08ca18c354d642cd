"""The stick before the server opens it: which product it is, which network it holds, and whether that is ours."""
