// An error and what caused it, for who looks for something that any of them may say.

/** Errors that are causes of one another are followed this far: they may go round in circles. */
const CAUSES_MAX = 8

/** The outermost first. Whatever is not an error ends the row. */
export function causesOf(error: unknown): readonly Error[] {
  const found: Error[] = []
  for (let link = error; found.length < CAUSES_MAX && link instanceof Error; link = link.cause)
    found.push(link)
  return found
}
