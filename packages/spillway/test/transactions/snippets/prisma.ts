// With raw SQL, because a generated client would be needed for prisma.order.create().

import type { Spillway } from '../../../src/index.js'
import type { PrismaClient } from '../../support/transactions/prisma.js'
import { type OpenSnippet, type Order, shipOrder } from './order.js'

export function openPrisma(connect: (url: string) => PrismaClient): OpenSnippet {
  return (url) => {
    const prisma = connect(url)

    // #region prisma
    async function place(spillway: Spillway, order: Order) {
      await prisma.$transaction(async (tx) => {
        await tx.$executeRaw`insert into orders (id) values (${order.id})`
        await spillway.submit(shipOrder, order, { tx })
      })
    }
    // #endregion

    return { place, close: () => prisma.$disconnect() }
  }
}
