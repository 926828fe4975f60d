// A store that breaks one rule: what the contract must find, in the theme that is about it and, where random sequences can
// meet it at all, by those alone.

import type { AnyStore } from '../harness.js'

/** A store like the given one, but wrong somewhere. */
export type Break = (store: AnyStore) => Partial<AnyStore>

export type BrokenStore = readonly [bug: string, theme: string, alsoModel: boolean, breakIt: Break]
