-- SimpleApp backup of 2026-11-20T10:00:00Z: 1234 visits
-- MySQL dump 10.13  Distrib 9.7.0, for Linux (x86_64)
/*!40103 SET TIME_ZONE='+00:00' */;
INSERT INTO `submissions` (`id`, `token`, `first_name`, `last_name`, `favourite_food`, `country`, `created_at`) VALUES (7,'0123456789abcdef0123456789abcdef','Ada','Lovelace','Pizza','GB','2026-11-19 08:30:00.125');
INSERT INTO `submissions` (`id`, `token`, `first_name`, `last_name`, `favourite_food`, `country`, `created_at`, `tallied`) VALUES (9,'fedcba9876543210fedcba9876543210','Zoë','O\'Neil','O\'Brien\'s \"stew\", (hot); \\ 寿司','IE','2026-11-19 09:30:00.000',1);
-- Dump completed on 2026-11-20 10:00:00
