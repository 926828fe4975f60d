import { describe, expect, it } from 'vitest'
import { Acknowledgements } from './acknowledgements.js'

/** A channel that writes down what is sent, and a turn of the event loop that ends when the test says so. */
function rig(tags: readonly number[]) {
  const sent: string[] = []
  const turn: (() => void)[] = []
  let isGone = false
  const send = (word: string): void => {
    if (isGone) throw new Error('Channel closed')
    sent.push(word)
  }
  const acknowledgements = new Acknowledgements(
    {
      ack: ({ fields }, allUpTo) => send(`${allUpTo === true ? 'up to' : 'only'} ${fields.deliveryTag}`),
      nack: ({ fields }) => send(`back ${fields.deliveryTag}`),
    },
    { defer: (run) => turn.push(run) },
  )
  for (const tag of tags) acknowledgements.hold(tag)
  return {
    acknowledgements,
    sent,
    lose: () => {
      isGone = true
    },
    endTurn() {
      for (const run of turn.splice(0)) run()
    },
  }
}

describe('acknowledgements', () => {
  it('of one turn go out with one word when nothing before them is in hand', () => {
    const { acknowledgements, sent, endTurn } = rig([1, 2, 3, 4])
    for (const tag of [3, 1, 2]) acknowledgements.ack(tag)
    expect(sent).toEqual([])
    endTurn()
    expect(sent).toEqual(['up to 3'])
  })

  it('never include what is in hand', () => {
    const { acknowledgements, sent, endTurn } = rig([1, 2, 3, 4, 5])
    for (const tag of [5, 1, 3]) acknowledgements.ack(tag)
    endTurn()
    expect(sent).toEqual(['up to 1', 'only 3', 'only 5'])
    acknowledgements.ack(2)
    acknowledgements.ack(4)
    endTurn()
    expect(sent.slice(3)).toEqual(['up to 4'])
  })

  it('are sent once, however often they are given', () => {
    const { acknowledgements, sent, endTurn } = rig([1, 2])
    acknowledgements.ack(1)
    acknowledgements.ack(1)
    endTurn()
    acknowledgements.ack(1)
    acknowledgements.release(1)
    acknowledgements.flush()
    endTurn()
    expect(sent).toEqual(['up to 1'])
  })

  it('leave out what was given back', () => {
    const { acknowledgements, sent, endTurn } = rig([1, 2, 3])
    acknowledgements.release(2)
    acknowledgements.ack(2)
    acknowledgements.ack(3)
    endTurn()
    expect(sent).toEqual(['back 2', 'only 3'])
  })

  it('say nothing once the channel is gone', () => {
    const { acknowledgements, sent, endTurn, lose } = rig([1, 2, 3])
    acknowledgements.ack(1)
    lose()
    endTurn()
    acknowledgements.ack(2)
    acknowledgements.release(3)
    endTurn()
    expect(sent).toEqual([])
  })

  it('of another channel mean nothing after its end', () => {
    const { acknowledgements, sent, endTurn } = rig([1])
    acknowledgements.ack(1)
    acknowledgements.end()
    endTurn()
    expect(sent).toEqual([])
  })
})
