/** A connection to a Redis that gives up in seconds, and says in words what was wrong. */
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { UsageError } from '../usage-error.js';
import type { RedisAddress } from './redis-address.js';

/** Keys get the hour of their end as they are written (`EXAT`). */
const VERSION_MIN: readonly [major: number, minor: number] = [6, 2];
const CONNECT_MS_MAX = 5_000;
const COMMAND_MS_MAX = 10_000;
/** A connection that breaks is made again for some seconds: a switch that restarts ends no storm. */
const RECONNECT_EVERY_MS = 500;
const RECONNECTS_MAX = 10;

/** Throws UsageError, with what was wrong and what to do, for a Redis that does not answer or refuses. */
export async function connected({ url, shown }: RedisAddress): Promise<Redis> {
  const redis = new Redis(url, {
    lazyConnect: true,
    // BullMQ wants it so; each command has its own bound.
    maxRetriesPerRequest: null,
    connectTimeout: CONNECT_MS_MAX,
    commandTimeout: COMMAND_MS_MAX,
    retryStrategy: (times) => (times > RECONNECTS_MAX ? null : RECONNECT_EVERY_MS),
  });
  let heard: Error | undefined;
  const listen = (error: Error): void => void (heard ??= error);
  redis.on('error', listen);
  const tooLate = new AbortController();
  try {
    await Promise.race([
      // It resolves when the server has answered.
      redis.connect(),
      delay(CONNECT_MS_MAX, undefined, { signal: tooLate.signal }).then(() => {
        throw new Error(`it has not answered for ${CONNECT_MS_MAX / 1_000} s`);
      }),
    ]);
    // With a wrong password it connects, and the first command fails.
    const old = tooOld(await redis.info('server'));
    if (old !== undefined) throw new UsageError(`--queue: the Redis at ${shown} ${old}`);
    return redis;
  } catch (error) {
    redis.disconnect();
    if (error instanceof UsageError) throw error;
    const { message } = heard ?? (error as Error);
    const remedy = /NOAUTH|WRONGPASS|NOPERM|ERR AUTH/.test(message)
      ? 'put its user and password into the address'
      : "look at the address, or start one there by 'redis-server'";
    throw new UsageError(`--queue: the Redis at ${shown} cannot be used: ${message}; ${remedy}`);
  } finally {
    tooLate.abort();
    redis.removeListener('error', listen);
  }
}

/** What is wrong with the version that a Redis tells, if something is; one that tells none is tried. */
export function tooOld(info: string): string | undefined {
  const [, version = '', major = '', minor = ''] = /^redis_version:((\d+)\.(\d+)\S*)/m.exec(info) ?? [];
  const isOld = version !== '' && (Number(major) - VERSION_MIN[0] || Number(minor) - VERSION_MIN[1]) < 0;
  return isOld ? `is of version ${version}, and ${VERSION_MIN.join('.')} is the oldest that works; name a newer one` : undefined;
}

/** The answers to several commands. Throws the first error among them. */
export function answersOf(answers: readonly (readonly [error: Error | null, answer: unknown])[] | null): unknown[] {
  return (answers ?? []).map(([error, answer]) => {
    if (error !== null) throw error;
    return answer;
  });
}
