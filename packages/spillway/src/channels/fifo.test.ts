import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Fifo } from './fifo.js'

it('Fifo behaves like an array, however it is used', () => {
  const operations = fc.array(
    fc.oneof(fc.nat({ max: 3_000 }), fc.constant('shift' as const), fc.constant('takeAll' as const)),
    { maxLength: 40 },
  )
  fc.assert(
    fc.property(operations, (steps) => {
      const fifo = new Fifo<number>()
      const model: number[] = []
      for (const step of steps) {
        if (step === 'shift') {
          for (let times = 0; times < 900; times += 1) expect(fifo.shift()).toBe(model.shift())
        } else if (step === 'takeAll') {
          expect(fifo.takeAll()).toEqual(model.splice(0))
        } else {
          for (let entry = 0; entry < step; entry += 1) {
            fifo.push(entry)
            model.push(entry)
          }
        }
        expect([fifo.length, fifo.peek(), fifo.at(5)]).toEqual([model.length, model[0], model[5]])
      }
    }),
    { numRuns: 30 },
  )
})
