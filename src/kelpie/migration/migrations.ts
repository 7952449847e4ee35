/**
 * Moves active actors from node to node. The state is not sent: it is committed in the database before the source stops, so the
 * target is told which version it must find there, under which generation and fence. The target claims by a name of its own that the
 * move has written for it, so it never starts before the move, nor after another claim.
 */
import type { Micros, NodeId } from '../../ports.js';
import type { Activation } from '../activation.js';
import { chooses } from '../choices.js';
import type { Deadline } from '../deadlines.js';
import { KelpieError } from '../errors.js';
import { type ActorKey, type ActorRef, parseActorKey } from '../ids.js';
import type { Json } from '../json.js';
import { ActorKeys } from '../keys.js';
import { RPC_MICROS_MAX } from '../limits.js';
import type { NodeAccess, NodeService } from '../node.js';
import { dropOldest } from '../oldest.js';
import { type HeldClaim, lookUp } from '../registry.js';
import type { Rpc } from '../rpc.js';
import {
  ADMIN,
  count,
  decodeOrder,
  encodeOrder,
  expectSuccess,
  failed,
  type Fields,
  fieldsOf,
  MIGRATE_ABORT,
  MIGRATE_COMPLETE,
  MIGRATE_PREPARE,
  MIGRATE_TRANSFER,
  type MigrateOrder,
  succeeded,
  text,
} from './messages.js';
import type { MigrationSteps } from './migration-parts.js';
import type { MoveTarget } from './move.js';

/** Migrations that a node takes part in at once, as source and as target each. */
const MIGRATIONS_MAX = 1_000;
/** Actors whose last move is remembered. Forgetting one ends its cool-down early. */
const MOVES_MAX = 10_000;

/** What this node, as target, has agreed to. */
interface Incoming {
  readonly migration: string;
  readonly actor: ActorRef;
  readonly from: NodeId;
  readonly claim: string;
  readonly expiry: Deadline;
  /** Set by the transfer. `startMicros` is on the clock of the lease term, and from before the move. */
  transferred: { readonly startMicros: Micros; readonly stateVersion: number } | undefined;
}

export class Migrations implements NodeService {
  readonly name = 'migration';
  readonly #outgoing = new Set<ActorKey>();
  readonly #incoming = new Map<string, Incoming>();
  readonly #movedMicros = new Map<ActorKey, Micros>();
  #access: NodeAccess | undefined;
  #stopped = false;
  #migrations = 0;

  listen(rpc: Rpc): void {
    const answer =
      (handle: (access: NodeAccess, fields: Fields, from: NodeId) => Json | Promise<Json>) =>
      async (body: unknown, { from }: { readonly from: NodeId }): Promise<Json> => {
        try {
          return await handle(this.#serving(), fieldsOf(body), from);
        } catch (error) {
          return failed(error);
        }
      };
    rpc.handle(
      MIGRATE_PREPARE,
      answer((access, fields, from) => this.#prepared(access, fields, from)),
    );
    rpc.handle(
      MIGRATE_TRANSFER,
      answer((access, fields, from) => this.#transferred(access, fields, from)),
    );
    rpc.handle(
      MIGRATE_COMPLETE,
      answer((access, fields, from) => this.#completed(access, fields, from)),
    );
    rpc.handle(
      MIGRATE_ABORT,
      answer((access, fields, from) => this.#aborted(access, fields, from)),
    );
    rpc.handle(ADMIN, (body) => this.#ordered(body));
  }

  start(access: NodeAccess): void {
    this.#access = access;
  }

  /** Begins no more migrations, and agrees to none. Those under way end by themselves, back here or there. */
  stop(): void {
    this.#stopped = true;
    const access = this.#access;
    if (access !== undefined) for (const migration of [...this.#incoming.keys()]) this.#forget(access, migration);
  }

  /**
   * Moves an actor that is active on this node. Resolves when it is the target's. Errors: `not-owner` (it is not active here),
   * `invalid-argument`, `overloaded` (it was moved a short while ago, or too many are), `shutting-down`, and whatever the target says;
   * after each of them the actor is where it was, or where the registry says.
   */
  async migrate(actor: ActorRef, to: NodeId): Promise<void> {
    const access = this.#serving();
    const { runtime, dispatcher } = access;
    if (to === runtime.node) throw new KelpieError('invalid-argument', `${actor.key} is on node ${to} already`);
    const activation = dispatcher.activation(actor.key);
    if (activation === undefined) throw new KelpieError('not-owner', `${actor.key} is not active on node ${runtime.node}`);
    if (this.#outgoing.has(actor.key)) throw new KelpieError('overloaded', `${actor.key} is being moved already`);
    if (this.#outgoing.size >= MIGRATIONS_MAX) throw new KelpieError('overloaded', `node ${runtime.node} moves as many actors as it may`);
    this.#checkCooldown(access, actor);
    this.#outgoing.add(actor.key);
    try {
      await runtime.parts.migrate(this.#steps(access, activation, to));
      this.#note(access, actor.key);
      runtime.teller.count('migrations');
    } finally {
      this.#outgoing.delete(actor.key);
    }
  }

  /** Errors: `node-unavailable`, `shutting-down`. */
  #serving(): NodeAccess {
    if (this.#access === undefined) throw new KelpieError('node-unavailable', 'the node is starting');
    if (this.#stopped) throw new KelpieError('shutting-down', `node ${this.#access.runtime.node} is shutting down; ask another one`);
    return this.#access;
  }

  #checkCooldown({ runtime }: NodeAccess, actor: ActorRef): void {
    const { migrationCooldownMicros } = runtime.config;
    const moved = this.#movedMicros.get(actor.key);
    if (moved === undefined) return;
    const left = moved + migrationCooldownMicros - runtime.platform.clock.monotonicMicros();
    if (left > 0) throw new KelpieError('overloaded', `${actor.key} was moved a short while ago; it may be moved again in ${left} us`);
    this.#movedMicros.delete(actor.key);
  }

  #note({ runtime }: NodeAccess, actor: ActorKey): void {
    this.#movedMicros.delete(actor);
    this.#movedMicros.set(actor, runtime.platform.clock.monotonicMicros());
    if (this.#movedMicros.size > MOVES_MAX) dropOldest(this.#movedMicros);
  }

  #steps(access: NodeAccess, activation: Activation, to: NodeId): MigrationSteps {
    const { runtime, rpc } = access;
    const { teller, config, parts } = runtime;
    const { actor } = activation;
    this.#migrations += 1;
    const migration = `${runtime.node}.${runtime.life}.${this.#migrations}`;
    const about = { actor: actor.key, migration } as const;
    let target: MoveTarget | undefined;
    let held: HeldClaim | undefined;
    const ask = async (kind: string, body: { readonly [name: string]: Json }): Promise<Fields> =>
      expectSuccess(await rpc.request(to, kind, { ...about, ...body }, config.migrationStepMicros), to);
    /** A step that an alternative order has left out is a mistake of that order, not of the cluster. */
    const after = <T>(value: T | undefined, step: string): T => {
      if (value === undefined) throw new KelpieError('invalid-argument', `a migration must ${step} first`);
      return value;
    };
    return {
      prepare: async () => {
        const fields = await ask(MIGRATE_PREPARE, {});
        target = { node: to, life: count(fields, 'life'), claim: text(fields, 'claim'), leaseMicros: count(fields, 'leaseMicros') };
        teller.tell({ type: 'migrate.prepare', ...about, from: runtime.node, to, token: activation.token });
      },
      stop: async () => {
        held = await activation.retire('migration');
        if (held === undefined) throw new KelpieError('actor-deactivated', `${actor.key} was deactivated before it could be moved`);
        teller.tell({ type: 'migrate.stop', ...about, token: held.token });
      },
      transfer: async () => {
        const { token, stateVersion } = activation;
        await ask(MIGRATE_TRANSFER, { generation: token, stateVersion });
        teller.tell({ type: 'migrate.transfer', ...about, token, stateVersion });
      },
      move: async () => {
        const claim = after(held, 'stop');
        const moved = await parts.movePlacement(runtime, claim, after(target, 'prepare')).catch(movedOrNot);
        teller.tell({ type: 'migrate.move', ...about, token: claim.token, newToken: moved.token, to, version: moved.version });
      },
      start: async () => {
        // Should it not arrive, the target claims the actor when it is called, or gives the claim back when nobody calls.
        await rpc.request(to, MIGRATE_COMPLETE, about, config.migrationStepMicros);
      },
      redirect: () => {
        activation.moved(to);
        teller.tell({ type: 'migrate.redirect', ...about, to });
      },
      abort: (step, { code }) => {
        teller.count('migrations.aborted');
        teller.tell({ type: 'migrate.abort', ...about, step, code });
        if (held !== undefined) this.#takeBack(access, activation, held);
        void rpc.request(to, MIGRATE_ABORT, about, config.migrationStepMicros);
      },
    };
  }

  /**
   * Brings a retired actor up again under a new claim. The claim settles what is in doubt: it finds a move that was applied after all,
   * and lets none be applied later.
   */
  #takeBack({ dispatcher }: NodeAccess, activation: Activation, held: HeldClaim): void {
    activation.resume();
    const again = dispatcher.bringUp(activation.actor);
    const giveBack = (): void => void dispatcher.releases.give(held);
    if (again === undefined) giveBack();
    else void again.whenUp().then((up) => (up ? undefined : giveBack()));
  }

  #prepared(access: NodeAccess, fields: Fields, from: NodeId): Json {
    const { runtime, dispatcher } = access;
    const { config, deadlines, platform } = runtime;
    const migration = text(fields, 'migration');
    const actor = parseActorKey(fields.actor);
    if (!dispatcher.serves(actor)) throw new KelpieError('not-found', `node ${runtime.node} has no actors in namespace ${actor.namespace}`);
    if (this.#incoming.size >= MIGRATIONS_MAX) throw new KelpieError('overloaded', `node ${runtime.node} takes as many actors as it may`);
    if (this.#incoming.has(migration)) throw new KelpieError('invalid-argument', `migration ${migration} is prepared already`);
    const claim = dispatcher.claimName();
    // The source may have to wait for the longest invocation before it can stop the actor.
    const patience = config.invocationMicros + config.storeMicros + 3 * config.migrationStepMicros;
    const expiry = deadlines.at(platform.clock.monotonicMicros() + patience, () => this.#forget(access, migration));
    this.#incoming.set(migration, { migration, actor, from, claim, expiry, transferred: undefined });
    return succeeded({ life: runtime.life, claim, leaseMicros: config.leaseMicros });
  }

  #transferred(access: NodeAccess, fields: Fields, from: NodeId): Json {
    const { runtime } = access;
    const incoming = this.#agreed(fields, from);
    if (chooses(runtime.platform, 'migration/forget')) {
      this.#forget(access, incoming.migration);
      throw notKnown(incoming.migration, from);
    }
    const startMicros = runtime.parts.leaseTerm.now(runtime.platform.clock);
    incoming.transferred = { startMicros, stateVersion: count(fields, 'stateVersion') };
    return succeeded();
  }

  async #completed(access: NodeAccess, fields: Fields, from: NodeId): Promise<Json> {
    const { migration, actor, claim, expiry, transferred } = this.#agreed(fields, from);
    if (transferred === undefined) throw new KelpieError('invalid-argument', `migration ${migration} was not transferred`);
    expiry.clear();
    this.#incoming.delete(migration);
    this.#note(access, actor.key);
    access.runtime.teller.tell({ type: 'migrate.start', actor: actor.key, migration });
    const { dispatcher } = access;
    // This node may have moved the actor away itself and not know that yet: what is left of it there would stand in the way.
    const before = dispatcher.activation(actor.key);
    if (before?.phase === 'deactivating') await before.whenGone();
    const activation = dispatcher.bringUp(actor, { claim, ...transferred });
    // The node has begun to stop meanwhile.
    if (activation === undefined) void dispatcher.releases.give({ actor, keys: new ActorKeys(actor.key), claim });
    return succeeded({ up: (await activation?.whenUp()) ?? false });
  }

  #aborted(access: NodeAccess, fields: Fields, from: NodeId): Json {
    const { migration } = this.#agreed(fields, from);
    this.#forget(access, migration);
    return succeeded();
  }

  /** The claim is given back, in case that the move was applied and nobody has said so. */
  #forget({ dispatcher }: NodeAccess, migration: string): void {
    const incoming = this.#incoming.get(migration);
    if (incoming === undefined) return;
    incoming.expiry.clear();
    this.#incoming.delete(migration);
    const { actor, claim, transferred } = incoming;
    if (transferred !== undefined) void dispatcher.releases.give({ actor, keys: new ActorKeys(actor.key), claim });
  }

  /** Errors: `not-found`. */
  #agreed(fields: Fields, from: NodeId): Incoming {
    const migration = text(fields, 'migration');
    const incoming = this.#incoming.get(migration);
    if (incoming?.from !== from) throw notKnown(migration, from);
    return incoming;
  }

  async #ordered(body: unknown): Promise<Json> {
    try {
      const order = decodeOrder(body);
      const { runtime, rpc, dispatcher } = this.#serving();
      if (dispatcher.activation(order.actor.key) === undefined && !order.passedOn) {
        const holder = (await lookUp(runtime, order.actor))?.node;
        if (holder === undefined) throw new KelpieError('not-found', `${order.actor.key} is not active on any node`);
        if (order.again && holder === order.to) return succeeded();
        if (holder !== runtime.node) {
          const passed: MigrateOrder = { ...order, passedOn: true };
          const reply = await rpc.request(holder, ADMIN, encodeOrder(passed), RPC_MICROS_MAX);
          if (reply.kind === 'timeout') throw new KelpieError('timeout', `node ${holder} did not answer in time`, { unsure: true });
          expectSuccess(reply, holder);
          return succeeded();
        }
      }
      if (order.again && order.to === runtime.node) return succeeded();
      await this.migrate(order.actor, order.to);
      return succeeded();
    } catch (error) {
      return failed(error);
    }
  }
}

/** Errors: always. Where the store did not answer, the move may have been applied. */
function movedOrNot(error: unknown): never {
  const failure = KelpieError.from(error);
  throw failure.code === 'store-unavailable' ? failure.asUnsure() : failure;
}

const notKnown = (migration: string, from: NodeId): KelpieError =>
  new KelpieError('not-found', `migration ${migration} of node ${from} is not known here`);
