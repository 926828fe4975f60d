export type {
  AnyStore,
  ForAll,
  Matchers,
  StoreHarness,
  StoreUnderTest,
  TableShape,
  TestApi,
  TestContext,
} from './harness.js'
export { storeContract } from './store-contract.js'
