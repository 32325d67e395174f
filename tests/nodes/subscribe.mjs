// Subscribes to txdash with the stock client: node subscribe.mjs '{"url":…,"clients":20,"alerts":1000}'
// drop: leave after so many events and come back with the last number; token, transports, origin: of the client.
import { io } from "socket.io-client";

const wanted = { clients: 1, alerts: 1, drop: 0, transports: ["polling", "websocket"], ...JSON.parse(process.argv[2]) };
const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");
const results = [];
let connected = 0;

for (let number = 0; number < wanted.clients; number += 1) {
  const seen = { ids: new Set(), events: 0, ordered: true, kinds: {} };
  let after = wanted.after;
  let dropped = false;
  const socket = io(wanted.url, {
    auth: (send) => send({ token: wanted.token, after }),
    extraHeaders: wanted.origin ? { origin: wanted.origin } : {},
    forceNew: true,
    reconnection: !wanted.origin,
    reconnectionDelay: 100,
    transports: wanted.transports,
  });
  const numbered = (kind) => (alert, seq) => {
    seen.ordered &&= after === undefined || seq > after;
    after = seq;
    seen.ids.add(alert.id);
    seen.events += 1;
    seen.kinds[kind] = (seen.kinds[kind] ?? 0) + 1;
    if (wanted.drop && !dropped && seen.events >= wanted.drop) {
      dropped = true;
      socket.disconnect();
      setTimeout(() => socket.connect(), 50);
    }
    if (seen.ids.size === wanted.alerts) {
      results.push({ ...seen, ids: seen.ids.size });
      socket.disconnect();
      if (results.length === wanted.clients) {
        say({ results });
        process.exit(0);
      }
    }
  };
  for (const kind of ["alert", "retraction"]) socket.on(kind, numbered(kind));
  for (const kind of ["triage", "health"]) socket.on(kind, (what) => say({ [kind]: what }));
  socket.on("connect", () => {
    connected += 1;
    if (connected === wanted.clients) say({ connected });
  });
  socket.on("connect_error", (error) => {
    say({ refused: error.message, status: error.context?.status, reason: error.description?.message });
    if (wanted.origin || wanted.once) process.exit(1);
  });
}
