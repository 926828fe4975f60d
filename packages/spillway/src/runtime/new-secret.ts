// What nobody may guess comes from the operating system, never from the chance that a simulation replays.

import { randomBytes } from 'node:crypto'
import type { NewSecret } from '../ports/index.js'

const SECRET_BYTES = 32

export const newSecret: NewSecret = () => randomBytes(SECRET_BYTES).toString('base64url')
