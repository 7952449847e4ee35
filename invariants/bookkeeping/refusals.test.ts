/** Every way in which Kelpie refuses is judged, and what it says may be asked again passes. */
import { expect, it } from 'vitest';
import { isRetriable, KELPIE_ERROR_CODES } from '../../src/kelpie/errors.js';
import { REFUSALS } from './refusals.js';

it('knows every code of the runtime, and of each whether asking again can help', () => {
  const expected = KELPIE_ERROR_CODES.map((code) => [code, isRetriable(code) ? 'passing' : 'final'] as const);
  expect(new Map([...REFUSALS].map(([code, { kind }]) => [code, kind]))).toEqual(new Map(expected));
});
