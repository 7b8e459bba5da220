// Usage: node --experimental-eventsource eventsource.mjs URL
// Prints each event of the stream at URL, and how the source ends when its URL is used up.

const source = new EventSource(process.argv[2]);
setInterval(() => {}, 1000); // the timer of the source does not keep Node alive
const say = (...words) => console.log(JSON.stringify(words));
for (const name of ["snapshot", "change", "end"]) {
  source.addEventListener(name, (event) => say(name, event.lastEventId, JSON.parse(event.data)));
}
source.addEventListener("error", () => {
  if (source.readyState === EventSource.CLOSED) {
    say("closed");
    process.exit(0);
  }
});
