import type { Logger } from '../lib/logger.ts';
import type { Engine } from './engine.ts';
import type { DatabaseLocation } from './location.ts';
import type { DatabaseMemory } from './memory.ts';
import { postgresEngine } from './postgres/engine.ts';
import { sqliteEngine } from './sqlite/engine.ts';

export const selectEngine = (location: DatabaseLocation, logger: Logger, memory: DatabaseMemory): Engine =>
  location.engine === 'sqlite'
    ? sqliteEngine(location.path, logger, memory)
    : postgresEngine(location, logger, memory);
