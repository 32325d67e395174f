// Follows txdash with the stock client, to so many alerts or until it is ended, then says when it had heard what:
// node follow.mjs '{"url":…,"batch":false,"alerts":900}'; one line: {"count":…,"heard":[[seconds of the system's clock, number],…]}
import { io } from "socket.io-client";

const wanted = JSON.parse(process.argv[2]);
const heard = [];
let count = 0;
const now = () => Number(process.hrtime.bigint()) / 1e9;

function hear(seq) {
  count += 1;
  const at = now();
  const last = heard[heard.length - 1];
  if (last && at - last[0] < 0.005) last[1] = seq;
  else heard.push([at, seq]);
  if (count === wanted.alerts) end();
}

function end() {
  process.stdout.write(JSON.stringify({ count, heard }) + "\n", () => process.exit(0));
}

const socket = io(wanted.url, { auth: { batch: wanted.batch }, transports: ["websocket"] });
socket.on("connect", () => process.stderr.write("connected\n"));
socket.on("alert", (_alert, seq) => hear(seq));
socket.on("batch", (events) => {
  for (const [, , seq] of events) if (seq !== null) hear(seq);
});
process.on("SIGTERM", end);
