FROM node:24-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts

FROM node:24-slim AS dashboard
WORKDIR /app
COPY package.json package-lock.json tsconfig.json ./
RUN npm ci --ignore-scripts
COPY deploy ./deploy
COPY src ./src
COPY dashboard ./dashboard
RUN npm run build

FROM node:24-slim AS service
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    PORT=8800 \
    KEYHEARTH_DATA_DIR=/data
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json ./
COPY bin ./bin
COPY migrations ./migrations
COPY openapi ./openapi
COPY src ./src
COPY --from=dashboard /app/dashboard/dist ./dashboard/dist

# The user of the service fills the compile cache, which then belongs to root.
FROM service AS compiled
ENV NODE_COMPILE_CACHE=/app/node_modules/.keyhearth-cache
COPY deploy/image ./deploy/image
RUN install -d -o node -g node "$NODE_COMPILE_CACHE"
USER node
RUN node deploy/image/compile.ts
USER root
RUN chmod -R u=rwX,go=rX node_modules/.keyhearth-cache

FROM service
COPY --from=compiled /app/node_modules/.keyhearth-cache ./node_modules/.keyhearth-cache
RUN install -d -o node -g node -m 0700 /data && ln -s /app/bin/keyhearth.js /usr/local/bin/keyhearth
USER node
VOLUME /data
EXPOSE 8800
HEALTHCHECK --interval=10s --timeout=3s --retries=3 \
  CMD ["node", "-e", "require(process.env.KEYHEARTH_TLS_CERT ? 'https' : 'http').get({ host: '127.0.0.1', port: process.env.PORT, path: '/health', rejectUnauthorized: false }, (r) => process.exit(r.statusCode === 200 ? 0 : 1)).on('error', () => process.exit(1))"]
# A core dump would hold keys and the pepper.
CMD ["sh", "-c", "ulimit -c 0 && exec node src/start.js"]
