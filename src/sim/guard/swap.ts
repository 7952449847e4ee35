/**
 * Swaps properties of shared objects (the global object, built-in modules, prototypes) for others and puts them back exactly:
 * the same descriptors with the same identities. What stands in for a property is made once and kept while the original stays
 * the same, because a storm swaps several hundred properties for every run.
 */

/** One property to be swapped. */
export interface Entry {
  readonly key: PropertyKey;
  /** The descriptor that stands in for `original`, or undefined when there is nothing to swap. */
  replace(original: PropertyDescriptor): PropertyDescriptor | undefined;
  /** For a property that the object inherits: what is put over it, and deleted again to put back. */
  cover?(): PropertyDescriptor;
}

/** The properties of one object. */
export interface Section {
  /** How error messages call the object: `fs`, `Date.prototype`. */
  readonly name: string;
  /** The object as it is now (a test runner may have put another one in place since), or undefined where the platform has none. */
  locate(): object | undefined;
  /** Asked once for each object that `locate` gives. */
  entries(target: object): readonly Entry[];
}

interface Slot {
  readonly entry: Entry;
  original: PropertyDescriptor | undefined;
  replacement: PropertyDescriptor | undefined;
}

interface Place {
  readonly section: Section;
  target: object | undefined;
  slots: readonly Slot[];
}

interface Swapped {
  readonly name: string;
  readonly target: object;
  readonly slot: Slot;
}

/** A fixed list of sections, put in place and put back together. */
export class Swap {
  readonly #places: readonly Place[];
  /** What was swapped, in order; undefined while nothing is. */
  #swapped: Swapped[] | undefined;

  constructor(sections: readonly Section[]) {
    this.#places = sections.map((section) => ({ section, target: undefined, slots: [] }));
  }

  /** Puts the replacements in place. Throws, with everything as it was, when a property cannot be replaced. */
  put(): void {
    if (this.#swapped !== undefined) throw new Error('put was called twice: the properties are swapped already; call putBack first');
    this.#swapped = [];
    try {
      for (const place of this.#places) this.#putPlace(place, this.#swapped);
    } catch (error) {
      this.putBack();
      throw error;
    }
  }

  /**
   * Puts the originals back, the last swapped first. Whatever was assigned to these properties meanwhile is dropped. Does
   * nothing when nothing is swapped. When properties refuse (made read-only meanwhile), the others are put back and an error names these.
   */
  putBack(): void {
    const swapped = this.#swapped ?? [];
    this.#swapped = undefined;
    const stuck: string[] = [];
    for (let index = swapped.length - 1; index >= 0; index--) {
      const item = swapped[index];
      if (item === undefined) continue;
      const { key } = item.slot.entry;
      const { original } = item.slot;
      const done = original === undefined ? Reflect.deleteProperty(item.target, key) : Reflect.defineProperty(item.target, key, original);
      if (!done) stuck.push(`${item.name}.${String(key)}`);
    }
    if (stuck.length > 0) {
      throw new Error(
        `could not put back ${stuck.join(', ')}: the simulated program made it read-only (Object.freeze?); it stays guarded in this thread`,
      );
    }
  }

  #putPlace(place: Place, swapped: Swapped[]): void {
    const target = place.section.locate();
    if (target === undefined) return;
    if (target !== place.target) {
      place.target = target;
      place.slots = place.section.entries(target).map((entry) => ({ entry, original: undefined, replacement: undefined }));
    }
    for (const slot of place.slots) {
      const now = Reflect.getOwnPropertyDescriptor(target, slot.entry.key);
      if (now === undefined) {
        slot.original = undefined;
        slot.replacement = slot.entry.cover?.();
      } else if (!same(now, slot.original)) {
        slot.original = now;
        slot.replacement = slot.entry.replace(now);
      }
      if (slot.replacement === undefined) continue;
      if (!Reflect.defineProperty(target, slot.entry.key, slot.replacement)) {
        throw new Error(
          `cannot guard ${place.section.name}.${String(slot.entry.key)}: the property is read-only (frozen by the host?); simulate before freezing it`,
        );
      }
      swapped.push({ name: place.section.name, target, slot });
    }
  }
}

function same(a: PropertyDescriptor, b: PropertyDescriptor | undefined): boolean {
  return (
    b !== undefined &&
    a.value === b.value &&
    a.get === b.get &&
    a.set === b.set &&
    a.writable === b.writable &&
    a.enumerable === b.enumerable &&
    a.configurable === b.configurable
  );
}
