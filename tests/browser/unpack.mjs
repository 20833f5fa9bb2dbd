// Unpacks the Chromium of @sparticuz/chromium with its libraries and fonts into node_modules/.browser, and tells the fonts where
// they lie, so that a page looks the same on every machine.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inflate } from '@sparticuz/chromium';

const folder = join(import.meta.dirname, 'node_modules', '.browser');
const packed = join(import.meta.dirname, 'node_modules', '@sparticuz', 'chromium', 'bin');

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
process.env.TMPDIR = folder; // where `inflate` puts things
await Promise.all(['chromium.br', 'al2023.tar.br', 'fonts.tar.br'].map((name) => inflate(join(packed, name))));
writeFileSync(
  join(folder, 'fonts', 'fonts.conf'),
  `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>${folder}/fonts</dir><cachedir>${folder}/font-cache</cachedir></fontconfig>\n`
);
