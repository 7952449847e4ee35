/** Where the Redis of a shared storm is, and how to speak of it without telling its password. */
import { UsageError } from '../usage-error.js';

export interface RedisAddress {
  readonly url: string;
  /** For people and logs: the password is stars. */
  readonly shown: string;
}

const FORM = 'redis://host:port, redis://user:password@host:port/database, or rediss:// for TLS';

/** Reads `--queue`. Throws UsageError, which never repeats a password. */
export function redisAddress(text: string): RedisAddress {
  // What is no address is not repeated: nobody can say where its password is.
  if (!URL.canParse(text)) throw new UsageError(`--queue is no address; write ${FORM}`);
  const url = new URL(text);
  const shown = masked(url);
  const wrong = whyWrong(url);
  if (wrong !== undefined) throw new UsageError(`--queue '${shown}' ${wrong}; write ${FORM}`);
  return { url: text, shown };
}

function whyWrong({ protocol, hostname, pathname, search, hash }: URL): string | undefined {
  if (protocol !== 'redis:' && protocol !== 'rediss:') return `is no address of a Redis, it begins with ${protocol}`;
  if (hostname === '') return 'names no host';
  if (!/^\/?\d{0,4}$/.test(pathname)) return `names no database by '${pathname}', which are numbers`;
  return search === '' && hash === '' ? undefined : `has '${search}${hash}' at its end, which means nothing here`;
}

function masked(url: URL): string {
  const shown = new URL(url);
  if (shown.password !== '') shown.password = '***';
  return shown.href;
}
