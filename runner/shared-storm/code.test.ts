import { expect, test } from 'vitest';
import { digestOf, ownCode } from './code.js';

const FILES = [
  { name: 'faults/a.js', text: 'one\ntwo\n' },
  { name: 'src/b.js', text: 'three\n' },
];

test('is the same in any order and with the line ends of another system, and another for any other text, name or place', () => {
  const same = digestOf(FILES);
  expect(same).toMatch(/^[0-9a-f]{16}$/);
  expect(digestOf([...FILES].reverse())).toBe(same);
  expect(digestOf(FILES.map(({ name, text }) => ({ name, text: text.replaceAll('\n', '\r\n') })))).toBe(same);
  const others = [
    FILES.slice(1),
    FILES.map(({ name, text }) => ({ name, text: `${text} ` })),
    FILES.map(({ name, text }) => ({ name: `${name}x`, text })),
    [
      { name: 'faults/a.js', text: 'one\n' },
      { name: 'src/b.js', text: 'two\nthree\n' },
    ],
  ].map(digestOf);
  expect(new Set([same, ...others]).size).toBe(5);
});

test('of this code is the same twice', async () => {
  const code = await ownCode();
  expect(code.digest).toMatch(/^[0-9a-f]{16}$/);
  expect(await ownCode()).toEqual(code);
});
