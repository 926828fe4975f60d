#!/usr/bin/env node
// Checks the layer tables (layers.mjs) over the packages' sources with dependency-cruiser. It goes through
// the JavaScript API because the tool's own exit code is green when it saw nothing at all, which is what
// happens when its TypeScript support is missing: here too few modules or dependencies is a failure.
import { fileURLToPath } from 'node:url'
import { cruise } from 'dependency-cruiser'
import { SPILLWAY, TEST_BED } from './layers.mjs'

const MODULES_MIN = 20
const DEPENDENCIES_MIN = 20
const TEST_FILE = '\\.test\\.ts$'
const PRODUCT = '^src/'

/** @param {string} text */
const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')

/** @param {string} layer */
const folder = (layer) => (layer.endsWith('.ts') ? `^src/${escaped(layer)}$` : `^src/${escaped(layer)}/`)

/** @param {string[]} alternatives A pattern that matches nothing when the list is empty. */
const anyOf = (alternatives) => (alternatives.length === 0 ? '^$' : `(${alternatives.join('|')})`)

/** @param {string} name */
const npmPackage = (name) => `node_modules/${escaped(name)}/`

/** @param {string} name */
const nodeModule = (name) => `^(node:)?${escaped(name)}$`

/**
 * @param {import('./layers.mjs').LayerTable} table
 * @returns {import('dependency-cruiser').IForbiddenRuleType[]}
 */
function tableRules({ layers, packages, nodeModules, pure }) {
  return [
    ...Object.entries(layers).map(([layer, allowed]) => ({
      name: `layer ${layer}`,
      severity: /** @type {const} */ ('error'),
      from: { path: folder(layer), pathNot: TEST_FILE },
      to: { path: PRODUCT, pathNot: anyOf([layer, ...allowed].map(folder)) },
    })),
    ...Object.entries(packages).map(([name, owners]) => ({
      name: `package ${name}`,
      severity: /** @type {const} */ ('error'),
      from: { path: PRODUCT, pathNot: anyOf([TEST_FILE, ...owners.map(folder)]) },
      to: { path: npmPackage(name) },
    })),
    ...Object.entries(nodeModules).map(([name, owners]) => ({
      name: `node module ${name}`,
      severity: /** @type {const} */ ('error'),
      from: { path: PRODUCT, pathNot: anyOf([TEST_FILE, ...owners.map(folder)]) },
      to: { path: nodeModule(name) },
    })),
    ...Object.entries(pure).map(([layer, allowed]) => ({
      name: `pure layer ${layer}`,
      severity: /** @type {const} */ ('error'),
      from: { path: folder(layer), pathNot: TEST_FILE },
      to: { pathNot: anyOf([PRODUCT, 'node_modules/', ...allowed.map(nodeModule)]) },
    })),
    {
      name: 'only listed packages',
      severity: 'error',
      from: { path: PRODUCT, pathNot: TEST_FILE },
      to: { path: 'node_modules/', pathNot: anyOf(Object.keys(packages).map(npmPackage)) },
    },
  ]
}

/** @type {import('dependency-cruiser').IForbiddenRuleType[]} */
const generalRules = [
  { name: 'no cycles', severity: 'error', from: {}, to: { circular: true } },
  {
    name: 'no tests in the product',
    severity: 'error',
    from: { pathNot: [TEST_FILE, '^test/'] },
    to: { path: [TEST_FILE, '^test/'] },
  },
  {
    name: 'imports resolve',
    severity: 'error',
    from: {},
    // node:sqlite exists from Node 22 on; on Node 20 the driver falls back to its npm twin. The test bed, which only
    // tests import, resolves once it is built.
    to: { couldNotResolve: true, pathNot: anyOf([nodeModule('sqlite'), '^spillway-test-bed$']) },
  },
]

/**
 * @param {string} packageDir The folder that holds `src`.
 * @param {{ modulesMin?: number, dependenciesMin?: number, table?: import('./layers.mjs').LayerTable }} [options]
 * @returns {Promise<{ modules: number, dependencies: number, problems: string[] }>}
 */
export async function checkLayers(packageDir, options = {}) {
  const { modulesMin = MODULES_MIN, dependenciesMin = DEPENDENCIES_MIN, table = SPILLWAY } = options
  const { output } = await cruise(
    ['src'],
    {
      baseDir: packageDir,
      validate: true,
      ruleSet: {
        forbidden: [...tableRules(table), ...generalRules],
      },
      tsPreCompilationDeps: true,
      doNotFollow: { path: 'node_modules' },
    },
    { exportsFields: ['exports'], conditionNames: ['import', 'types', 'node', 'default'] },
  )
  if (typeof output === 'string') throw new Error(`dependency-cruiser answered text: ${output}`)

  const own = output.modules.filter(({ source }) => source.startsWith('src/'))
  const dependencies = own.reduce((sum, module) => sum + module.dependencies.length, 0)
  const problems = output.summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`)

  const known = Object.keys(table.layers).map((layer) => new RegExp(folder(layer)))
  for (const { source } of own) {
    if (known.length > 0 && !known.some((pattern) => pattern.test(source)))
      problems.push(`not in any layer: ${source}`)
  }
  if (own.length < modulesMin) problems.push(`saw ${own.length} modules, expected at least ${modulesMin}`)
  if (dependencies < dependenciesMin)
    problems.push(`saw ${dependencies} dependencies, expected at least ${dependenciesMin}`)

  return { modules: own.length, dependencies, problems }
}

/** @type {[string, import('./layers.mjs').LayerTable, number][]} */
const CHECKED = [
  ['packages/spillway', SPILLWAY, MODULES_MIN],
  ['packages/test-bed', TEST_BED, 10],
]

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [folderName, table, modulesMin] of CHECKED) {
    const packageDir = fileURLToPath(new URL(`../${folderName}`, import.meta.url))
    const { modules, dependencies, problems } = await checkLayers(packageDir, { table, modulesMin })
    for (const problem of problems) console.error(problem)
    console.log(
      `layers: ${folderName}, ${modules} modules, ${dependencies} dependencies, ${problems.length} problems`,
    )
    if (problems.length > 0) process.exitCode = 1
  }
}
