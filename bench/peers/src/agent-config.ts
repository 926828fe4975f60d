// The configuration that `spillway agent` loads in a run: that of the side, and a listener for the questions of the benchmark, because the
// agent is the product's own process and not one of the benchmark's.

import { defineConfig } from 'spillway'
import { countLanded } from './landed-count.js'
import type { Question, Reply } from './side-actions.js'
import type { ServerUrls } from './sides/side.js'
import { type Route, transitConfig } from './transit-config.js'

export interface AgentJob {
  readonly route: Route
  readonly urls: ServerUrls
}

const { route, urls } = JSON.parse(process.env.SPILLWAY_BENCH_JOB ?? 'null') as AgentJob
const landed = countLanded()

function answerOf({ action }: Question): Reply {
  if (action === 'progress') {
    const { rows, repeats, lastAt } = landed
    return { answer: { rows, repeats, lastAt } }
  }
  if (action === 'cpu') {
    const { user, system } = process.cpuUsage()
    return { answer: (user + system) / 1e6 }
  }
  return { error: `an agent does not know ${action}` }
}

process.on('message', (question: Question) => process.send?.(answerOf(question)))
process.channel?.unref()

export default defineConfig(transitConfig(route, urls, landed).config)
