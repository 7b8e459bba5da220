import { done, type Job } from "./job.ts";

interface Port {
  on(name: "message", act: (job: Job) => void): void;
  postMessage(said: object): void;
}
declare function require(name: "node:worker_threads"): { readonly parentPort: Port };

const { parentPort } = require("node:worker_threads");

// A client knows of no refusal: the script has to fail, and the client fetches it again.
parentPort.on("message", (job) => {
  done(job).then(
    (said) => parentPort.postMessage({ ...said, workId: job.workId }),
    (error: unknown) => setTimeout(() => { throw error; }, 0),
  );
});
