// A request ready to paste, with a command that really exists.

import type { ResolvedConfig } from '../../config/index.js'
import { samplePayload } from './sample-payload.js'

/** Null when no command is defined. The token is named and not shown. */
export async function sampleCurl(config: ResolvedConfig, url: string): Promise<string | null> {
  const [command] = config.commands.values()
  if (command === undefined) return null
  const sample = await samplePayload(command)
  const json = JSON.stringify(sample?.payload ?? {}).replaceAll("'", "'\\''")
  const token = config.http.token === null ? '' : ` -H "authorization: Bearer $SPILLWAY_TOKEN"`
  const curl = `curl -i ${url}/v1/commands/${command.name}${token} -H 'content-type: application/json' -d '${json}'`
  return sample === null ? `${curl}   # put in a payload that its schema accepts` : curl
}
