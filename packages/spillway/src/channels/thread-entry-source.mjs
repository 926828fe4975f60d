// The way into a worker thread when Spillway runs from its TypeScript source, as its own tests do: threads load only JavaScript.
// The build neither needs nor copies it.
import { createJiti } from 'jiti'

export default await createJiti(import.meta.url).import('./thread-entry.ts', { default: true })
