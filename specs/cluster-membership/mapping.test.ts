import { describe, expect, test } from 'vitest';
import { follow, type Line } from '../../runner/fixtures/follow.js';
import { mapping } from './mapping.js';

const follows = await follow(mapping);

type State = 'left' | 'joining' | 'active' | 'leaving' | 'failed';

const boots = (...nodes: readonly string[]): Line[] => [
  ...nodes.map((node): Line => [node, { type: 'boot', reason: 'start' }]),
  ['', { type: 'phase', phase: 'chaos' }],
];
let version = 0;
const change = (by: string, member: string, from: State, to: State, term = 1, at = ++version, nodeLife = 1): Line => [
  by,
  { type: 'member.state', member, nodeLife, from, to, by, term, version: at },
];
const found = (node: string): Line[] => [change(node, node, 'left', 'joining'), change(node, node, 'joining', 'active')];
const accept = (by: string, node: string, from: State = 'left', nodeLife = 1): Line =>
  change(by, node, from, 'joining', 1, ++version, nodeLife);
const activate = (node: string): Line => change(node, node, 'joining', 'active');
const resume = (node: string, from: State = 'active'): Line[] => [
  change(node, node, from, 'failed'),
  change(node, node, 'failed', 'joining'),
];
const elect = (node: string, term = 1, reached = 2, voters = 3): Line => [
  node,
  { type: 'primary.elect', term, nodeLife: 1, reached, voters, version: ++version },
];
const view = (node: string, term: number, members: readonly (readonly [string, State])[]): Line => [
  node,
  {
    type: 'primary.view',
    term,
    viewVersion: 1,
    members: members.map(([member, state]) => ({ node: member, nodeLife: 1, state })),
    failovers: [],
  },
];
const stepDown = (node: string, why: 'no-majority' | 'deposed' | 'leaving', term = 1): Line => [
  node,
  { type: 'primary.stepdown', term, why, version: ++version },
];
const deposed = (node: string): Line => [node, { type: 'member.deposed', nodeLife: 1, actors: 0 }];
const kill = (node: string): Line => [node, { type: 'kill', reason: 'test' }];

/** Three members, and A is primary. */
const trio = (): Line[] => [
  ...boots('A', 'B', 'C'),
  ...found('A'),
  elect('A', 1, 1, 1),
  accept('A', 'B'),
  activate('B'),
  accept('B', 'C'),
  activate('C'),
];

test('a life that was let in has sent that it is active, and dies before it can tell', () => {
  const sentAndDied = [...boots('A', 'B'), ...found('A'), elect('A', 1, 1, 1), accept('A', 'B'), kill('B')];
  expect(follows([...sentAndDied, ...resume('B'), activate('B')])).toBe('accepted');
  expect(follows([...sentAndDied, kill('B'), ...resume('B'), activate('B')])).toBe('accepted');
});

test('a life that a view shows to be active tells so later, once', () => {
  const shown = [
    ...boots('A', 'B', 'C'),
    ...found('A'),
    elect('A', 1, 1, 1),
    accept('A', 'B'),
    view('A', 1, [
      ['A', 'active'],
      ['B', 'active'],
    ]),
  ];
  expect(follows([...shown, activate('B'), accept('B', 'C')])).toBe('accepted');
  expect(follows([...shown, accept('B', 'C'), activate('B'), kill('B'), ...resume('B')])).toBe('accepted');
});

test('a life that finds itself failed is told by whoever failed it later, once', () => {
  const told = [deposed('B'), change('A', 'B', 'active', 'failed'), accept('A', 'B', 'failed'), activate('B')];
  expect(follows([...trio(), ...told])).toBe('accepted');
});

// Seed 3224 of `heartbeat-failover`: the primary died before it told. It may as well have asked the store, and heard nothing from it.
test('a failure that shows when its primary is primary no more, and never told, is nothing that the walk can place', () => {
  const untold = /^left: a failure that its primary never told/;
  const cameBack = [...trio(), kill('A'), ...resume('A'), activate('A')];
  expect(follows([...cameBack, deposed('C')])).toMatch(untold);
  expect(follows([...trio(), stepDown('A', 'no-majority'), deposed('C')])).toMatch(untold);
  expect(follows([...trio(), change('A', 'A', 'active', 'leaving'), accept('B', 'C', 'failed')])).toMatch(untold);
  // Whoever was elected since can have done it.
  expect(follows([...cameBack, elect('B', 2), deposed('C')])).toBe('accepted');
});

// Seed 20969 of `kelpie-cluster`: who let it in died before he told, and is no active member any more when it shows.
test('a life that was let in by one who never told, and is no active member now, is nothing that the walk can place', () => {
  const alone = [...trio(), kill('B'), change('A', 'B', 'active', 'failed')];
  const left = [change('C', 'C', 'active', 'leaving'), change('C', 'C', 'leaving', 'left')];
  const back = [kill('A'), ...resume('A')];
  expect(follows([...alone, ...left, ...back, ...resume('C', 'joining')])).toMatch(/^left: a member that was let in by one who never told/);
  // Nobody was there who could have done it.
  expect(follows([...alone, ...back, ...left, ...resume('C', 'joining')])).toMatch(/^member.state: untold n\d left joining/);
});

// Seed 7340 of `kelpie-cluster`.
test('a failure whose answer was lost is known from the view of its primary', () => {
  const saw = [...trio(), kill('C'), view('A', 1, [['C', 'failed']])];
  expect(follows([...saw, change('A', 'A', 'active', 'leaving'), accept('B', 'C', 'failed'), activate('C')])).toBe('accepted');
  // It may be told after all, once.
  expect(follows([...saw, change('A', 'C', 'active', 'failed'), accept('A', 'C', 'failed')])).toBe('accepted');
  const joining = [...boots('A', 'B', 'C'), ...found('A'), elect('A', 1, 1, 1), accept('A', 'C'), activate('C'), accept('A', 'B')];
  const leaves = change('A', 'A', 'active', 'leaving');
  expect(follows([...joining, view('A', 1, [['B', 'failed']]), leaves, accept('C', 'B', 'failed')])).toBe('accepted');
  // Nobody but a primary fails a member, and none fails itself.
  expect(follows([...trio(), view('A', 1, [['A', 'failed']])])).toMatch(/^primary.view: untold n\d active failed/);
  // What a view shows of an earlier life is over.
  const back = [...trio(), kill('C'), change('A', 'C', 'active', 'failed'), accept('A', 'C', 'failed', 2), view('A', 1, [['C', 'failed']])];
  expect(follows([...back, change('C', 'C', 'joining', 'active', 1, ++version, 2)])).toBe('accepted');
});

test('a life that resumes without knowing whether it did follows one of which the same is known', () => {
  const unsure = (from: State, to: State, nodeLife: number): Line => [
    'B',
    { type: 'member.state', member: 'B', nodeLife, from, to, by: 'B', term: 1, version: -1 },
  ];
  const again = (nodeLife: number): Line[] => [unsure('active', 'failed', nodeLife - 1), unsure('failed', 'joining', nodeLife)];
  const active: Line = [
    'B',
    { type: 'member.state', member: 'B', nodeLife: 3, from: 'joining', to: 'active', by: 'B', term: 1, version: 90 },
  ];
  expect(follows([...trio(), kill('B'), ...again(2), kill('B'), ...again(3), active, kill('B'), ...again(4)])).toBe('accepted');
  expect(follows([...trio(), kill('B'), ...again(2), ...again(2), kill('B'), ...again(3), active, kill('B'), ...again(4)])).toBe(
    'accepted',
  );
});

test('a primary that slept tells that it failed a dead member when another one was elected after that', () => {
  const failed = ++version;
  const late = (at: number): readonly Line[] => [...trio(), kill('C'), elect('B', 2), change('A', 'C', 'active', 'failed', 1, at)];
  expect(follows([...late(failed), accept('B', 'C', 'failed'), activate('C')])).toBe('accepted');
  expect(follows([...late(failed), stepDown('B', 'no-majority', 2), elect('A', 3)])).toBe('accepted');
  // Nor does it know whether the store has taken it.
  expect(follows([...late(-1), accept('B', 'C', 'failed'), activate('C')])).toBe('accepted');
});

test('a primary that slept and was deposed fails nobody', () => {
  const after = [...trio(), kill('C'), elect('B', 2), change('A', 'C', 'active', 'failed', 1)];
  expect(follows(after)).toMatch(/^member.state: FailMember/);
});

test('a primary that has cleared its claim without hearing so finds nothing left to clear', () => {
  expect(follows([...trio(), stepDown('A', 'deposed'), elect('B', 2)])).toBe('accepted');
});

test('who has founded the cluster without hearing so goes on as its only member, or is followed by a later life', () => {
  expect(follows([...boots('A', 'B', 'C'), elect('A', 1, 1, 1)])).toBe('accepted');
  expect(follows([...boots('A', 'B', 'C'), kill('A'), ...resume('A'), activate('A')])).toBe('accepted');
});

describe('three members', () => {
  test.each<readonly [string, () => readonly Line[]]>([
    ['one founds the cluster, others are let in', () => trio()],
    [
      'one leaves in order, and comes again',
      () => [...trio(), change('B', 'B', 'active', 'leaving'), change('B', 'B', 'leaving', 'left'), accept('A', 'B'), activate('B')],
    ],
    [
      'one dies and is failed',
      () => [...trio(), kill('C'), change('A', 'C', 'active', 'failed'), accept('A', 'C', 'failed'), activate('C')],
    ],
    ['one dies and comes back before that', () => [...trio(), kill('C'), ...resume('C'), activate('C')]],
    [
      'one is cut off, failed, and finds out',
      () => [...trio(), change('A', 'C', 'active', 'failed'), deposed('C'), accept('B', 'C', 'failed'), activate('C')],
    ],
    ['the primary dies, and another one is elected', () => [...trio(), kill('A'), elect('B', 2), change('B', 'A', 'active', 'failed', 2)]],
    ['the primary loses its majority', () => [...trio(), stepDown('A', 'no-majority'), elect('B', 2)]],
    [
      'it does so on a view that has changed',
      () => [
        ...trio(),
        kill('B'),
        change('C', 'C', 'active', 'leaving'),
        change('A', 'B', 'active', 'failed'),
        change('C', 'C', 'leaving', 'left'),
        stepDown('A', 'no-majority'),
      ],
    ],
    ['the primary is deposed and finds out', () => [...trio(), elect('B', 2), stepDown('A', 'deposed')]],
    [
      'a candidate counts the votes of a view that has changed, and the primary that it had missed answers again',
      () => [...trio(), change('A', 'C', 'active', 'failed'), elect('B', 2, 2, 2), stepDown('A', 'deposed'), deposed('C')],
    ],
    [
      'a primary tells whom it gave up when another one was elected and he has found out',
      () => {
        const early = ++version;
        return [
          ...trio(),
          kill('A'),
          deposed('C'),
          elect('B', 2),
          change('A', 'C', 'active', 'failed', 1, early),
          accept('B', 'C', 'failed'),
        ];
      },
    ],
    ['the primary leaves', () => [...trio(), change('A', 'A', 'active', 'leaving'), stepDown('A', 'leaving'), elect('C', 2)]],
    [
      'one leaves before it takes part',
      () => [...trio(), kill('C'), ...resume('C'), change('C', 'C', 'joining', 'leaving'), change('C', 'C', 'leaving', 'left')],
    ],
    ['an admission that nobody tells of', () => [...boots('A', 'B', 'C'), ...found('A'), kill('A'), activate('B')]],
    [
      'an admission that is told late',
      () => {
        const early = ++version;
        return [...boots('A', 'B', 'C'), ...found('A'), activate('B'), change('A', 'B', 'left', 'joining', 1, early)];
      },
    ],
    ['an election that nobody tells of', () => [...trio(), kill('A'), elect('B', 3)]],
    ['an election that is read', () => [...trio(), kill('A'), view('B', 2, []), change('B', 'A', 'active', 'failed', 2)]],
    ['an election that is told late', () => [...trio(), kill('A'), elect('C', 3), elect('B', 2)]],
  ])('%s', (_, make) => {
    expect(follows(make())).toBe('accepted');
  });
});

describe('three of five members', () => {
  const five = (): Line[] => [
    ...boots('A', 'B', 'C', 'D', 'E'),
    ...found('A'),
    elect('A', 1, 1, 1),
    ...['B', 'C', 'D', 'E'].flatMap((node) => [accept('A', node), activate(node)]),
  ];
  test.each<readonly [string, () => readonly Line[]]>([
    [
      'two die, and the others go on',
      () => [
        ...five(),
        kill('A'),
        kill('B'),
        elect('C', 2, 3, 5),
        change('C', 'A', 'active', 'failed', 2),
        change('C', 'B', 'active', 'failed', 2),
      ],
    ],
    [
      'one steps down for want of the others',
      () => [...five(), stepDown('A', 'no-majority'), elect('D', 2, 3, 5), stepDown('D', 'no-majority', 2)],
    ],
  ])('%s', (_, make) => {
    expect(follows(make())).toBe('accepted');
  });

  test('no primary is elected for a minority', () => {
    expect(follows([...five(), kill('A'), elect('C', 2, 2, 5)])).toMatch(/^primary.elect: n\d stands for a minority/);
  });

  test('a node that comes when the cluster is known is not judged', () => {
    const late: Line = ['F', { type: 'node.register', nodeLife: 1, capacity: 9, version: 1 }];
    expect(follows([...five(), late])).toBe('left: a node that has come late');
  });
});

describe('what no member does', () => {
  test.each<readonly [string, () => readonly Line[], RegExp]>([
    ['founds a second cluster', () => [...trio(), ...resume('B', 'left')], /^member.state: /],
    ['becomes active twice', () => [...trio(), activate('C'), activate('C')], /^member.state: /],
    ['takes its own place while it takes part', () => [...trio(), ...resume('B')], /^member.state: Resume/],
    [
      'is failed by one who is not primary',
      () => [...trio(), kill('C'), change('B', 'C', 'active', 'failed')],
      /^member.state: FailMember/,
    ],
    [
      'fails members after it was deposed',
      () => [...trio(), elect('B', 2), change('A', 'C', 'active', 'failed', 1)],
      /^member.state: FailMember/,
    ],
    [
      'gives up members after it was deposed, who find out before it tells',
      () => [...trio(), elect('B', 2), deposed('C'), change('A', 'C', 'active', 'failed', 1)],
      /^member.state: FailMember/,
    ],
    [
      'is elected for a minority of a view that has changed',
      () => [...trio(), change('A', 'C', 'active', 'failed'), elect('B', 2, 1, 2)],
      /^primary.elect: n\d stands for a minority/,
    ],
    [
      'is elected in a view that has given it up, by those that it had counted before',
      () => [...trio(), elect('B', 2), change('B', 'C', 'active', 'failed', 2), elect('C', 3)],
      /^primary.elect: /,
    ],
    ['is elected while it is failed', () => [...trio(), change('A', 'C', 'active', 'failed'), elect('C', 2)], /^primary.elect: /],
    [
      'steps down and is primary',
      () => [...trio(), stepDown('A', 'no-majority'), change('A', 'C', 'active', 'failed')],
      /^member.state: FailMember/,
    ],
    ['is deposed though nobody can have failed it', () => [...boots('A', 'B', 'C'), deposed('C')], /^member.deposed: untold/],
  ])('%s', (_, make, seen) => {
    expect(follows(make())).toMatch(seen);
  });

  test('the bug ElectWithoutQuorum: a primary for a minority', () => {
    expect(follows([...trio(), elect('C', 2, 1, 3)])).toMatch(/^primary.elect: n\d stands for a minority/);
  });

  test('the bug JoinUnasked: it takes part and nobody let it in', () => {
    const alone = [...boots('A', 'B', 'C'), ...found('A'), activate('B')];
    // Somebody may have let it in, and died before he said so; with nobody there who could, it is seen.
    expect(follows(alone)).toBe('accepted');
    expect(follows([...boots('A', 'B', 'C'), activate('B')])).toMatch(/^member.state: Activate n\d$/);
  });

  test('the bug LeaveAsPrimary: who has left is primary still', () => {
    const gone = [...trio(), change('A', 'A', 'active', 'leaving'), change('A', 'C', 'active', 'failed')];
    expect(follows(gone)).toMatch(/^member.state: FailMember/);
  });

  test('the bug SplitElectionTransaction: two are primary in one term', () => {
    const both = [...trio(), elect('B', 2), elect('C', 2), change('C', 'A', 'active', 'failed', 2)];
    expect(follows(both)).toMatch(/^primary.elect: n\d and n\d were elected in one term/);
    // Also when the first of them tells of it last, after a third one was elected.
    const late = [...trio(), elect('B', 2), elect('A', 3), elect('C', 2)];
    expect(follows(late)).toMatch(/^primary.elect: two were elected in one term/);
  });
});
