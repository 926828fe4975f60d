// The worker as a process of its own, which may be killed. Arguments: URLs of post office, upstream and for later answers.

import { once } from 'node:events'
import { openApplication } from './application.js'
import { ownDatabase, ownSecret } from './child.js'

const [postOfficeUrl = '', upstreamUrl = '', replyUrl = ''] = process.argv.slice(2)

const { spillway } = await openApplication({
  ...{ database: ownDatabase(), secret: ownSecret(), postOfficeUrl, upstreamUrl, replyUrl },
  roles: ['worker', 'maintenance'],
})
if (process.connected) await once(process, 'disconnect')
await spillway.close()
