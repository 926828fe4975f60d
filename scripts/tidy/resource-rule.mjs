// Finds uses of time, randomness, timers, environment and terminal outside the files that own them
// (owners.mjs). It looks at the syntax tree, so comments and strings never count and `clock.now()` is fine.
import ts from 'typescript'
import { MEMBERS, NAMES, OWNERS } from './owners.mjs'
import { lineOf, nodesBelow } from './source-file.mjs'

/** @typedef {import('./owners.mjs').Resource} Resource */

/** @param {ts.Expression} expression */
const isGlobalObject = (expression) =>
  ts.isIdentifier(expression) && (expression.text === 'globalThis' || expression.text === 'global')

/**
 * `a.b` and `a['b']` as text, without a leading `globalThis.`.
 * @param {ts.Node} node
 * @returns {string | undefined}
 */
function memberText(node) {
  if (ts.isPropertyAccessExpression(node)) {
    const owner = node.expression
    const name = ts.isPropertyAccessExpression(owner) && isGlobalObject(owner.expression) ? owner.name : owner
    return ts.isIdentifier(name) ? `${name.text}.${node.name.text}` : undefined
  }
  if (ts.isElementAccessExpression(node) && ts.isStringLiteral(node.argumentExpression)) {
    return `${node.expression.getText()}.${node.argumentExpression.text}`
  }
  return undefined
}

/**
 * Whether the identifier only names a member or a declaration of its own: `options.console`, `{ console: 1 }`.
 * @param {ts.Identifier} node
 */
function isOwnName(node) {
  const { parent } = node
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node && !isGlobalObject(parent.expression)
  if (ts.isBindingElement(parent)) return parent.name === node || parent.propertyName === node
  if (ts.isImportSpecifier(parent)) return false
  return 'name' in parent && parent.name === node && !ts.isShorthandPropertyAssignment(parent)
}

/** @param {ts.Node} node */
function isCurrentDate(node) {
  if (ts.isNewExpression(node)) {
    return (
      node.expression.getText() === 'Date' && (node.arguments === undefined || node.arguments.length === 0)
    )
  }
  return ts.isCallExpression(node) && node.expression.getText() === 'Date'
}

/**
 * `const { env } = process` and its like, which no member access would show.
 * @param {ts.Node} node
 * @returns {Resource | undefined}
 */
function destructured(node) {
  if (!ts.isBindingElement(node) || !ts.isVariableDeclaration(node.parent.parent)) return undefined
  const source = node.parent.parent.initializer
  if (source === undefined || !ts.isIdentifier(source)) return undefined
  return MEMBERS[`${source.text}.${(node.propertyName ?? node.name).getText()}`]
}

/**
 * @param {ts.Node} node
 * @returns {Resource | undefined}
 */
function resourceOf(node) {
  if (isCurrentDate(node)) return 'clock'
  const member = memberText(node)
  if (member !== undefined && Object.hasOwn(MEMBERS, member)) return MEMBERS[member]
  if (ts.isIdentifier(node) && Object.hasOwn(NAMES, node.text) && !isOwnName(node)) return NAMES[node.text]
  return destructured(node)
}

/** @type {import('./rules.mjs').Rule} */
export const resourceRule = {
  name: 'owned resources',
  appliesTo: (file) => file.isProduct && file.isCode,
  check: (file) => {
    const owned = OWNERS.filter(({ path }) => path.test(file.path)).flatMap(({ owns }) => owns)
    return [...nodesBelow(file.tree())].flatMap((node) => {
      const resource = resourceOf(node)
      if (resource === undefined || owned.includes(resource)) return []
      const message = `${node.getText().split('\n')[0]} uses the ${resource}, which this file does not own`
      return [{ line: lineOf(node), message }]
    })
  },
}
