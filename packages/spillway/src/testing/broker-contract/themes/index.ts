import type { Theme } from '../suite.js'
import { closeTheme } from './close.js'
import { crashTheme } from './crash.js'
import { deliverTheme } from './deliver.js'
import { endTheme } from './end.js'
import { faultsTheme } from './faults.js'
import { orderTheme } from './order.js'
import { publishTheme } from './publish.js'
import { reopenTheme } from './reopen.js'
import { stateTheme } from './state.js'

export const THEMES: readonly Theme[] = [
  publishTheme,
  deliverTheme,
  endTheme,
  crashTheme,
  orderTheme,
  stateTheme,
  reopenTheme,
  closeTheme,
  faultsTheme,
]
