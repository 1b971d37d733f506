import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { VERIFIED } from './answer.ts';

/** One route without middleware: what the framework alone costs. */

const app = new Hono().get('/', (c) => c.json(VERIFIED));

serve({ fetch: app.fetch, hostname: '127.0.0.1', port: Number(process.env.PORT) });
