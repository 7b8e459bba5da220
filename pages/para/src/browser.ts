import { done, type Job } from "./job.ts";

// A client knows of no refusal: the script has to fail, and the client fetches it again.
self.onmessage = (event: MessageEvent<Job>): void => {
  const job = event.data;
  done(job).then(
    (said) => self.postMessage({ ...said, workId: job.workId }),
    (error: unknown) => setTimeout(() => { throw error; }, 0),
  );
};
