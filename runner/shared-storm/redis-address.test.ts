import { expect, test } from 'vitest';
import { redisAddress } from './redis-address.js';

test.each([
  ['redis://localhost:6379', 'redis://localhost:6379'],
  ['redis://10.0.0.7:6379/3', 'redis://10.0.0.7:6379/3'],
  ['rediss://me:s3cret@redis.example:6380/0', 'rediss://me:***@redis.example:6380/0'],
  ['redis://:s3cret@[::1]:6379/', 'redis://:***@[::1]:6379/'],
])('reads %s', (text, shown) => {
  expect(redisAddress(text)).toEqual({ url: text, shown });
});

test.each([
  ['localhost:6379', 'it begins with localhost:'],
  ['http://me:s3cret@host', 'it begins with http:'],
  ['redis:///2', 'names no host'],
  ['redis://me:s3cret@host/first', "names no database by '/first'"],
  ['redis://me:s3cret@host/0?family=6', "'?family=6' at its end"],
  ['redis://me:s3cret@host:port', 'is no address'],
])('refuses %s', (text, says) => {
  expect(() => redisAddress(text)).toThrow(says);
  expect(() => redisAddress(text)).not.toThrow('s3cret');
});
