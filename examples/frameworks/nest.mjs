// Nest: as with Fastify, its server is drained first, and app.close() runs its shutdown hooks. Leave
// out enableShutdownHooks(): it would listen for the same signals.
import 'reflect-metadata';
import { setTimeout as sleep } from 'node:timers/promises';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { closeable, createShutdown, httpServer } from 'cuda-shutdown';

class SlowController {
  async slow() {
    await sleep(300);
    return 'answer';
  }
  onApplicationShutdown() {
    console.log('hook onApplicationShutdown');
  }
}
// What `@Get('slow')`, `@Controller()` and `@Module()` do in TypeScript.
const { prototype } = SlowController;
Get('slow')(prototype, 'slow', Object.getOwnPropertyDescriptor(prototype, 'slow'));
Controller()(SlowController);
class AppModule {}
Module({ controllers: [SlowController] })(AppModule);

const app = await NestFactory.create(AppModule, { logger: false });
createShutdown({ timeoutMs: 10_000 })
  .add(httpServer(app.getHttpServer()))
  .add(closeable('nest', () => app.close()))
  .install();
await app.listen(0, '127.0.0.1');
console.log(`port ${app.getHttpServer().address().port}`);
