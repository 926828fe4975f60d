// Which of a row of failures are told: the first, and what comes later only if it is the server's certificate, which somebody has to mend. It may
// show only after the connection was lost.

import { isCertificateError } from '../../errors/index.js'

export class Told {
  #last: unknown = null

  /** Of the failure after so many others in a row. Whoever asks tells it, if it is to be told. */
  isNews(why: unknown, failures: number): boolean {
    const isNews = failures === 0 || (isCertificateError(why) && !isCertificateError(this.#last))
    if (isNews) this.#last = why
    return isNews
  }
}
