// The machine and the packages: what must be right before any configuration is.

import { realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { type Finding, failure, fine, warning } from '../../ports/index.js'

const NODE_MAJOR_MIN = 20
const NODE_MINOR_MIN = 19

export function checkNode(version: string = process.versions.node): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const fits = major > NODE_MAJOR_MIN || (major === NODE_MAJOR_MIN && minor >= NODE_MINOR_MIN)
  if (fits) return fine('node', `version ${version}`)
  return failure('node', `version ${version}`, `Install Node ${NODE_MAJOR_MIN}.${NODE_MINOR_MIN} or newer.`)
}

/** Whether the configuration's `import 'spillway'` is the package that this command line belongs to. */
export function checkPackage(configPath: string): Finding {
  const own = realpathSync(fileURLToPath(new URL('../../../package.json', import.meta.url)))
  let imported: string
  try {
    imported = realpathSync(createRequire(configPath).resolve('spillway/package.json'))
  } catch {
    return warning(
      'package',
      `${configPath} cannot import spillway`,
      'Install it in the project: npm install spillway',
    )
  }
  if (imported === own) return fine('package', own)
  return warning(
    'package',
    `the configuration imports ${imported}, the command line is ${own}`,
    "Run the project's own command line: npx spillway",
  )
}
