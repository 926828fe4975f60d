// Closing in order. The client's own promise is for the server's answer and never settles when the connection is lost meanwhile; that it is
// closed, it says in any case.

import type { Channel, ChannelModel } from 'amqplib'

/** Resolves once it is closed, whoever closed it. */
export function closingOf(subject: Pick<Channel | ChannelModel, 'close' | 'once'>): Promise<void> {
  return new Promise((resolve) => {
    subject.once('close', () => resolve())
    subject.close().then(resolve, () => resolve())
  })
}
