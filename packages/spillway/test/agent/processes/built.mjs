// The built package, for processes that are started hundreds of times: transpiling the source each time would take most of the test.

/**
 * @param {string} path Within `dist`.
 * @returns {Promise<any>}
 */
export function built(path) {
  return import(new URL(`../../../dist/${path}`, import.meta.url).href)
}
