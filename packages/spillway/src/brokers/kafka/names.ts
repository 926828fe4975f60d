// Names on the cluster. Kafka's own have letters, digits, '.', '-' and '_', but two topics must not differ in '.' against '_' alone: its
// metrics would mix them up. So an underscore travels as '-_', and a hyphen that could be taken for the beginning of one is doubled.

export interface Names {
  topic(queue: string): string
  /** Where refused messages of the queue are kept. No queue has a topic of that name. */
  refused(queue: string): string
  group(queue: string): string
}

const REFUSED = '--refused'
const AMBIGUOUS_HYPHEN = /-(?=[-._]|$)/g

export function namesWith(prefix: string): Names {
  const topic = (queue: string): string => `${prefix}${encoded(queue)}`
  return { topic, refused: (queue) => `${topic(queue)}${REFUSED}`, group: topic }
}

function encoded(queue: string): string {
  return queue.replace(AMBIGUOUS_HYPHEN, '--').replaceAll('_', '-_')
}
