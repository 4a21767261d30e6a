// Counts its visits in Redis and stores forms in MySQL with Express. Each visit is one INCR, and
// each form is one INSERT. The clients have their default settings.
import { readFileSync } from "node:fs";
import express from "express";
import mysql from "mysql2/promise";
import { createClient } from "redis";

const { PORT, VISITS_KEY, TABLE } = process.env;
const address = (name) => {
  const [host, port] = process.env[name].split(":");
  return { host, port: Number(port) };
};
const password = (name) => readFileSync(process.env[name], "utf8").trim();

const cache = createClient({
  socket: address("REDIS_ADDR"),
  password: password("REDIS_PASSWORD_FILE"),
});
cache.on("error", (error) => console.error("Redis:", error));
await cache.connect();
const database = mysql.createPool({
  ...address("MYSQL_ADDR"),
  user: process.env.MYSQL_USER,
  password: password("MYSQL_PASSWORD_FILE"),
  database: process.env.MYSQL_DATABASE,
});
const insert = `INSERT INTO ${TABLE}
  (token, first_name, last_name, favourite_food, country, created_at)
  VALUES (?, ?, ?, ?, ?, UTC_TIMESTAMP(3))`;

const app = express();
app.use(express.urlencoded({ extended: false }));

app.get("/", async (request, response) => {
  response.send(`<p>Visits: ${await cache.incr(VISITS_KEY)}</p>\n`);
});

app.post("/simpleform", async ({ body }, response) => {
  const { token, first_name, last_name, favourite_food, country } = body;
  await database.execute(insert, [token, first_name, last_name, favourite_food, country]);
  response.redirect(303, "/");
});

app.listen(Number(PORT), "127.0.0.1");
