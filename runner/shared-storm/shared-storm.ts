/**
 * A storm that several machines share through a Redis. BullMQ deals out the batches: each is leased to the machine that took it, and
 * goes to another one when the lease runs out. Results are a log beside them that only grows, and everybody reads all of it; who reads
 * counts each run once. So a batch that was run twice, or a command that was sent twice, does no harm: a run is the same everywhere.
 */
import { createHash, randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { type Job, Queue, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { VisitCounts, type Visits } from '../conformance/visits.js';
import type { Batch, BatchSource } from '../storm/batches.js';
import { areOf, type Plan, runsOf } from '../storm/plan.js';
import type { SeedResult } from '../storm/seed-result.js';
import { BATCH_SCHEMA } from '../storm/store.js';
import { UsageError } from '../usage-error.js';
import type { Code } from './code.js';
import { differenceOf, type Header, headerIn, headerOf, KEPT_DAYS } from './header.js';
import type { RedisAddress } from './redis-address.js';
import { answersOf, connected } from './redis-connection.js';

/** All keys of a storm are `kelpie-dst:NAME:...`, and go away by themselves at the hour that its header names. */
const PREFIX = 'kelpie-dst';

/** More batches than these grow in size instead: each of them is an entry of the queue. */
const BATCHES_MAX = 16_384;
const FILL_AT_ONCE = 1_000;
const READ_AT_ONCE = 100;
/** Of one entry of the log, unpacked; a batch has some hundred kilobytes. */
const ENTRY_BYTES_MAX = 256 * 1_024 * 1_024;

/** A machine that has said nothing for so long has lost its batches. It says something every third of it. */
const LEASE_MS = 15_000;
const STALLED_LOOK_MS = 5_000;
const LOOK_EVERY_MS = 500;

/** BullMQ gives a job up that was lost so often; a batch is never given up. */
const NEVER = Number.MAX_SAFE_INTEGER;

const ENTRY = BATCH_SCHEMA.extend({ machine: z.string() });

/** What one machine has found, as the others read it. */
export interface SharedBatch {
  readonly machine: string;
  readonly results: readonly SeedResult[];
  readonly visits: readonly Visits[];
}

export interface SharedStormOptions {
  readonly address: RedisAddress;
  /** Machines that share a storm call it by the same name. */
  readonly name: string;
  readonly plan: Plan;
  readonly code: Code;
  /** Positions in a batch, where this machine begins the storm. */
  readonly batch: number;
  /** Takes what the log has, in its order; what this machine put there too. */
  readonly onBatch: (batch: SharedBatch) => void;
  /** Positions that are known; `onBatch` adds to it. */
  readonly done: ReadonlySet<number>;
  /** Ends waiting. */
  readonly signal: AbortSignal;
}

/** BullMQ's keys beside those of the jobs, but one that lives for seconds. They come and go, so the hour of their end is set again and again. */
const QUEUE_KEYS = ['meta', 'id', 'wait', 'active', 'events', 'marker', 'stalled', 'pc', 'paused', 'prioritized'];

export class SharedStorm implements BatchSource {
  /** Of this process. */
  readonly machine = `${hostname()}.${process.pid}`;
  readonly #options: SharedStormOptions;
  readonly #redis: Redis;
  readonly #queue: Queue;
  readonly #worker: Worker;
  readonly #lost = new AbortController();
  /** What this machine has taken and still works on. */
  readonly #held = new Map<Job, string>();
  /** What the log has of visits: others need not be told again. */
  readonly #visits = new VisitCounts();
  readonly #ticking: NodeJS.Timeout;
  #header: { readonly text: string; readonly value: Header } | undefined;
  #read = 0;
  #reading: Promise<void> = Promise.resolve();
  readonly #tokens = randomUUID();
  #taken = 0;
  #stop = false;
  #lastError = '';

  readonly #ended = (): void => void this.#lose(new Error(this.#lastError || 'the connection ended'));

  private constructor(options: SharedStormOptions, redis: Redis) {
    this.#options = options;
    this.#redis = redis;
    const { name } = options;
    // What another program has under this name is not touched before it is known.
    this.#queue = new Queue(name, { connection: redis, prefix: PREFIX, skipMetasUpdate: true });
    this.#worker = new Worker(name, null, {
      connection: redis,
      prefix: PREFIX,
      autorun: false,
      lockDuration: LEASE_MS,
      stalledInterval: STALLED_LOOK_MS,
      maxStalledCount: NEVER,
    });
    // Every command of ours tells its own failure; these are of looks that are repeated.
    const listen = (error: Error): void => void (this.#lastError = error.message);
    redis.on('error', listen);
    this.#queue.on('error', listen);
    this.#worker.on('error', listen);
    redis.once('end', this.#ended);
    this.#ticking = setInterval(() => this.#tick(), LEASE_MS / 3);
    this.#ticking.unref();
  }

  /**
   * Begins the storm of this name, or joins it. Throws UsageError when the Redis cannot be reached or refuses, has something else under
   * this name, or another storm.
   */
  static async join(options: SharedStormOptions): Promise<SharedStorm> {
    const shared = new SharedStorm(options, await connected(options.address));
    try {
      await shared.#ask(() => shared.#begin());
    } catch (error) {
      await shared.leave();
      throw error;
    }
    return shared;
  }

  /** Aborts when the Redis is lost; its reason is the UsageError that says so. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Whether one of the machines has ended the storm for all. */
  get isStopped(): boolean {
    return this.#stop;
  }

  async take(mayBegin: () => boolean): Promise<Batch | undefined> {
    for (;;) {
      await this.sync();
      if (this.#stop || this.#isWhole() || !mayBegin()) return undefined;
      const job = await this.#next();
      if (job === undefined) {
        // Others have what is left, and may give it back or die.
        await this.#wait();
        continue;
      }
      const positions = this.#positionsOf(job);
      if (positions.length > 0) return { positions, end: () => this.#end(job), giveBack: () => this.#giveBack(job) };
      await this.#end(job);
    }
  }

  /** Hands over what was found here. Throws UsageError when the Redis is lost. */
  async put(results: readonly SeedResult[], visits: readonly Visits[]): Promise<void> {
    const entry: SharedBatch = { machine: this.machine, results, visits: this.#visits.add(visits) };
    if (results.length === 0 && entry.visits.length === 0) return;
    const packed = deflateRawSync(JSON.stringify(entry)).toString('base64');
    await this.#ask(async () => {
      const done = this.#redis.multi().rpush(this.#key('results'), packed).expireat(this.#key('results'), this.#expiresAt());
      answersOf(await done.exec());
    });
    await this.sync();
  }

  /** Reads what the log has that was not read yet. Throws UsageError when the Redis is lost, or somebody has changed what is ours. */
  async sync(): Promise<void> {
    // One after the other: each begins where the one before ended.
    this.#reading = this.#reading.then(() => this.#readOn());
    return this.#reading;
  }

  /** Ends the storm for all machines: they take no more batches. */
  async stop(): Promise<void> {
    await this.#ask(() => this.#redis.set(this.#key('stop'), this.machine, 'EXAT', this.#expiresAt()));
    this.#stop = true;
  }

  /**
   * What one of the machines does for all when everything else is done: `work` is leased like a batch. Resolves to what whoever did it
   * came to, for all the same; to undefined where `work` does or waiting is ended. Throws UsageError when the Redis is lost.
   */
  async once<T>(name: string, schema: z.ZodType<T>, work: () => Promise<T | undefined>): Promise<T | undefined> {
    const key = this.#key(name);
    const task = `task-${name}`;
    const known = async (): Promise<T | undefined> => {
      const text = await this.#ask(() => this.#redis.get(key));
      if (text === null) return undefined;
      const parsed = schema.safeParse(parseJson(text));
      if (parsed.success) return parsed.data;
      throw this.#lose(this.#foreign(`'${key}' holds something else`));
    };
    if ((await known()) === undefined) await this.#ask(() => this.#fill([{ name: task, data: {} }]));
    while (!this.#options.signal.aborted) {
      const before = await known();
      if (before !== undefined) return before;
      const job = await this.#next();
      if (job?.name === task) {
        // Another one may have come to its end in between.
        const result = (await known()) ?? (await this.#work(job, work));
        if (result === undefined) return undefined;
        await this.#ask(() => this.#redis.set(key, JSON.stringify(result), 'EXAT', this.#expiresAt()));
        await this.#end(job);
        return result;
      }
      if (job === undefined) await this.#wait().catch(() => {});
      else await this.#end(job);
    }
    return undefined;
  }

  /** Resolves to the machine that does what one alone needs to do, whoever asked first; nobody else does it when that one dies. */
  async claim(what: string): Promise<string> {
    const key = this.#key(`claim-${createHash('sha256').update(what).digest('hex')}`);
    return this.#ask(async () => {
      await this.#redis.set(key, this.machine, 'EXAT', this.#expiresAt(), 'NX');
      return (await this.#redis.get(key)) ?? this.machine;
    });
  }

  /** Leaves the storm to the others. Never rejects. */
  async leave(): Promise<void> {
    clearInterval(this.#ticking);
    this.#redis.removeListener('end', this.#ended);
    await Promise.allSettled([this.#worker.close(true), this.#queue.close()]);
    this.#redis.disconnect();
  }

  async #begin(): Promise<void> {
    const key = this.#key('storm');
    let text = await this.#redis.get(key);
    if (text === null) {
      const [seconds] = await this.#redis.time();
      const { plan, code } = this.#options;
      const batch = Math.max(this.#options.batch, Math.ceil(runsOf(plan) / BATCHES_MAX));
      const header = headerOf({ plan, batch, code, begunBy: this.machine, nowSeconds: Number(seconds) });
      await this.#redis.set(key, JSON.stringify(header), 'EXAT', header.expiresAt, 'NX');
      // Of several that begin at once the first is right.
      text = await this.#redis.get(key);
    }
    this.#header = { text: text ?? '', value: this.#headerIn(text ?? '') };
    await this.#worker.startStalledCheckTimer();
    if ((await this.#redis.get(this.#key('filled'))) !== null) return;
    const batches = Math.ceil(runsOf(this.#options.plan) / this.#header.value.batch);
    for (let from = 0; from < batches; from += FILL_AT_ONCE) {
      const jobs = Array.from({ length: Math.min(FILL_AT_ONCE, batches - from) }, (_, nth) => from + nth);
      await this.#fill(jobs.map((nth) => ({ name: `batch-${nth}`, data: { nth } })));
    }
    await this.#redis.set(this.#key('filled'), this.machine, 'EXAT', this.#expiresAt());
  }

  /** Throws UsageError when it is none, or of another storm than this command's. */
  #headerIn(text: string): Header {
    const header = headerIn(text);
    if (header === undefined) throw this.#foreign(`'${this.#key('storm')}' has no header of a storm of this version of kelpie-dst`);
    const { plan, code, name, address } = this.#options;
    const other = differenceOf(header, plan, code);
    if (other === undefined) return header;
    throw new UsageError(
      `--queue: the storm '${name}' at ${address.shown}, begun by ${header.begunBy}, has ${other.name} ${other.there}, and this command on ${this.machine} ${other.here}; ${other.remedy}, or share another storm by --queue-name`,
    );
  }

  /** Those that are in the queue already stay as they are. */
  async #fill(jobs: readonly { readonly name: string; readonly data: object }[]): Promise<void> {
    await this.#queue.addBulk(jobs.map(({ name, data }) => ({ name, data, opts: { jobId: name, removeOnComplete: true } })));
    const expiry = this.#redis.pipeline();
    for (const { name } of jobs) expiry.expireat(this.#key(name), this.#expiresAt());
    answersOf(await expiry.exec());
  }

  async #readOn(): Promise<void> {
    for (;;) {
      const batches = await this.#ask(() => this.#some());
      for (const batch of batches) {
        this.#visits.add(batch.visits);
        this.#options.onBatch(batch);
      }
      if (batches.length < READ_AT_ONCE) return;
    }
  }

  async #some(): Promise<readonly SharedBatch[]> {
    const asked = this.#redis
      .multi()
      .get(this.#key('storm'))
      .exists(this.#key('stop'))
      .lrange(this.#key('results'), this.#read, this.#read + READ_AT_ONCE - 1);
    for (const key of QUEUE_KEYS) asked.expireat(this.#key(key), this.#expiresAt());
    const [header, stop, entries] = answersOf(await asked.exec()) as [string | null, number, string[]];
    if (header !== this.#header?.text) {
      throw this.#foreign(
        `it has gone: the Redis was emptied or begun anew, or the ${KEPT_DAYS} days are over for which a storm is kept; with --resume, what --out has is handed to a new one`,
      );
    }
    this.#stop ||= stop > 0;
    const batches = entries.map((entry, at) => this.#entryIn(entry, this.#read + at));
    this.#read += entries.length;
    return batches;
  }

  #entryIn(text: string, nth: number): SharedBatch {
    let unpacked: unknown;
    try {
      unpacked = JSON.parse(inflateRawSync(Buffer.from(text, 'base64'), { maxOutputLength: ENTRY_BYTES_MAX }).toString());
    } catch {
      // What cannot be unpacked matches no schema.
    }
    const parsed = ENTRY.safeParse(unpacked);
    if (parsed.success && areOf(this.#options.plan, parsed.data.results)) return parsed.data;
    throw this.#foreign(`entry ${nth} of '${this.#key('results')}' is no result of this storm`);
  }

  /** Rejects when waiting is ended. */
  async #wait(): Promise<void> {
    await delay(LOOK_EVERY_MS, undefined, { signal: AbortSignal.any([this.#options.signal, this.lost]) });
  }

  async #next(): Promise<Job | undefined> {
    const token = `${this.#tokens}:${this.#taken++}`;
    const job = (await this.#ask(() => this.#worker.getNextJob(token, { block: false }))) as Job | undefined;
    if (job !== undefined) this.#held.set(job, token);
    return job;
  }

  #positionsOf(job: Job): number[] {
    const { nth } = z
      .object({ nth: z.int().min(0) })
      .catch({ nth: BATCHES_MAX })
      .parse(job.data);
    const size = this.#header?.value.batch ?? 0;
    const last = Math.min(runsOf(this.#options.plan), (nth + 1) * size);
    return Array.from({ length: Math.max(0, last - nth * size) }, (_, at) => nth * size + at).filter(
      (position) => !this.#options.done.has(position),
    );
  }

  /** Others may try what did not come to its end here. */
  async #work<T>(job: Job, work: () => Promise<T | undefined>): Promise<T | undefined> {
    let result: T | undefined;
    try {
      result = await work();
    } finally {
      if (result === undefined) await this.#giveBack(job);
    }
    return result;
  }

  async #end(job: Job): Promise<void> {
    const token = this.#held.get(job) ?? '';
    await this.#ask(() => job.moveToCompleted('', token, false).catch(unlessNoLonger));
    this.#held.delete(job);
  }

  async #giveBack(job: Job): Promise<void> {
    const token = this.#held.get(job) ?? '';
    this.#held.delete(job);
    // Where it cannot be told, the lease runs out.
    if (!this.lost.aborted) await job.moveToWait(token).catch(() => {});
  }

  #tick(): void {
    // While all threads are busy too, the others are heard. What fails here fails again where somebody waits for it.
    this.sync().catch(() => {});
    // What could not be renewed is another one's soon, and then done twice.
    for (const [job, token] of this.#held) void job.extendLock(token, LEASE_MS).catch(() => {});
  }

  #isWhole(): boolean {
    return this.#options.done.size >= runsOf(this.#options.plan);
  }

  #key(name: string): string {
    return `${PREFIX}:${this.#options.name}:${name}`;
  }

  #expiresAt(): number {
    return this.#header?.value.expiresAt ?? 0;
  }

  /** Whatever a command fails by, the storm cannot be shared any more. */
  async #ask<T>(command: () => Promise<T>): Promise<T> {
    this.lost.throwIfAborted();
    try {
      return await command();
    } catch (error) {
      throw this.#lose(error as Error);
    }
  }

  #lose(error: Error): Error {
    if (!this.lost.aborted) this.#lost.abort(error instanceof UsageError ? error : this.#failed(error));
    return this.lost.reason as UsageError; // aborted with nothing else
  }

  #failed({ message: said }: Error): UsageError {
    const { shown } = this.#options.address;
    const message = /^(?:Connection is closed|Command timed out)/.test(said) && this.#lastError !== '' ? this.#lastError : said;
    if (/WRONGTYPE/.test(message)) return this.#foreign('it holds something else under the keys of this name');
    return new UsageError(
      `--queue: the Redis at ${shown} failed: ${message}; when it is well again, call the same command again, with --resume where --out names what was found`,
    );
  }

  #foreign(what: string): UsageError {
    const { address, name } = this.#options;
    return new UsageError(`--queue: the Redis at ${address.shown} has no storm '${name}' to share: ${what}; name another by --queue-name`);
  }
}

/** BullMQ numbers its own refusals: the lease was lost, and the batch is another one's by now. */
function unlessNoLonger(error: Error & { readonly code?: unknown }): void {
  if (typeof error.code !== 'number') throw error;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What is no JSON matches no schema.
    return undefined;
  }
}
