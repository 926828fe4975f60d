// What `spillway agent --execute --config` runs beside a platform whose clicks travel through a journal: the same queue, the same
// command, and the database that the platform itself does without.

import { defineConfig } from 'spillway'
import { journalPattern } from './patterns/journal.js'
import { platformConfig } from './platform.js'
import { ownSite } from './site.js'
import { openStorage } from './storage/index.js'

const site = ownSite()

const storage = await openStorage(site.database)

export default defineConfig(platformConfig(storage, await journalPattern.platform(site)).config)
