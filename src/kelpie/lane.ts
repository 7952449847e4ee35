/** Runs tasks, each with its own result or error. */
export interface TaskLane {
  run<T>(task: () => Promise<T>): Promise<T>;
}

/** Runs tasks one after the other, in the order in which they came. */
export class Lane implements TaskLane {
  #tail: Promise<unknown> = Promise.resolve();

  /** The task's own result or error; either lets the next task start. */
  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(task, task);
    this.#tail = result.catch(() => undefined);
    return result;
  }
}
