export { type Submitted, type TestOptions, TestSpillway, testSpillway } from './test-spillway.js'
