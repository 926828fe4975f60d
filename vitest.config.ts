import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** What takes half a minute by itself goes first: at the end one worker would be waiting for the other. */
const LONGEST =
  /(simulation(-further)?|chaos|kills|patterns|isolation|node-processes|crash-files|(kafka|rabbitmq)-broker)\.test\.ts$/

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const isLong = ({ moduleId }: TestSpecification): boolean => LONGEST.test(moduleId)
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))]
  }
}

// Tests run on the test bed's source, so that they need no build.
const resolve = {
  alias: { 'spillway-test-bed': fileURLToPath(new URL('./packages/test-bed/src/index.ts', import.meta.url)) },
}

const common = {
  // Modules hold no state (a rule of this project), so files share them: loading them anew for each file took a third of the run.
  isolate: false,
  exclude: ['**/node_modules/**', '**/dist/**'],
  // These are there to end what hangs. A busy machine takes its time, most of all to start a server.
  testTimeout: 60_000,
  hookTimeout: 120_000,
  expect: { poll: { timeout: 20_000 } },
  teardownTimeout: 10_000,
}

export default defineConfig({
  test: {
    projects: [
      {
        resolve,
        test: {
          ...common,
          name: 'units',
          include: ['packages/*/src/**/*.test.ts', 'bench/**/*.test.ts', 'scripts/**/*.test.ts'],
        },
      },
      {
        resolve,
        test: {
          ...common,
          name: 'processes',
          include: ['packages/*/test/**/*.test.ts', 'examples/*/test/**/*.test.ts'],
        },
      },
    ],
    globalSetup: ['packages/test-bed/src/vitest/global-setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    retry: 0,
    allowOnly: false,
    coverage: {
      provider: 'v8',
      include: ['packages/*/src/**/*.ts'],
      exclude: ['**/*.test.ts'],
      reporter: ['text-summary', 'html'],
    },
  },
})
