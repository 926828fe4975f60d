// What a test file may not do: run alone, be skipped without a word, or wait for real time.
import ts from 'typescript'
import { lineOf, nodesBelow, rootName } from './source-file.mjs'

const RUNNERS = new Set(['it', 'test', 'describe', 'suite', 'bench'])
const SKIPPING = new Set(['skip', 'skipIf', 'runIf', 'todo', 'fails'])
const WAITING = new Set(['sleep', 'setTimeout', 'setInterval'])

/**
 * A comment on the same line or the line above counts as the reason.
 * @param {ts.Node} node
 * @param {string[]} lines
 */
function hasReason(node, lines) {
  const line = lineOf(node)
  return [lines[line - 1], lines[line - 2]].some((text) => text !== undefined && /\/\/\s*\S+/.test(text))
}

/**
 * @param {ts.PropertyAccessExpression} node
 * @param {string[]} lines
 * @returns {string | undefined}
 */
function runnerProblem(node, lines) {
  const name = node.name.text
  const onRunner = RUNNERS.has(rootName(node))
  if (onRunner && name === 'only') return 'leaves the other tests out'
  if (onRunner && SKIPPING.has(name) && !hasReason(node, lines)) return `${name} without a comment saying why`
  const call = node.parent
  if (!onRunner && name === 'skip' && ts.isCallExpression(call) && call.expression === node) {
    const [note] = call.arguments
    if (note === undefined && !hasReason(node, lines)) return 'skip without a reason'
  }
  return undefined
}

/**
 * @param {ts.Node} node
 * @returns {string | undefined}
 */
function waitingProblem(node) {
  if (!ts.isCallExpression(node)) return undefined
  const callee = node.expression
  const name = ts.isIdentifier(callee) ? callee.text : ''
  const timer = ts.isPropertyAccessExpression(callee) ? callee.name.text : ''
  if (WAITING.has(name) || timer === 'setTimeout')
    return 'waits for real time; advance a clock or await an event'
  return undefined
}

/** @type {import('./rules.mjs').Rule} */
export const testRule = {
  name: 'honest tests',
  appliesTo: (file) => file.isTest,
  check: (file) => {
    const lines = file.text.split('\n')
    return [...nodesBelow(file.tree())].flatMap((node) => {
      const message = ts.isPropertyAccessExpression(node) ? runnerProblem(node, lines) : waitingProblem(node)
      return message === undefined ? [] : [{ line: lineOf(node), message }]
    })
  },
}
