-- A mail server's database of Postal 3.3.6, as `show create table` printed it: the tables that are asked.
CREATE TABLE `messages` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `token` varchar(255) DEFAULT NULL,
  `scope` varchar(10) DEFAULT NULL,
  `rcpt_to` varchar(255) DEFAULT NULL,
  `mail_from` varchar(255) DEFAULT NULL,
  `subject` varchar(255) DEFAULT NULL,
  `message_id` varchar(255) DEFAULT NULL,
  `timestamp` decimal(18,6) DEFAULT NULL,
  `route_id` int(11) DEFAULT NULL,
  `domain_id` int(11) DEFAULT NULL,
  `credential_id` int(11) DEFAULT NULL,
  `status` varchar(255) DEFAULT NULL,
  `held` tinyint(1) DEFAULT 0,
  `size` varchar(255) DEFAULT NULL,
  `last_delivery_attempt` decimal(18,6) DEFAULT NULL,
  `raw_table` varchar(255) DEFAULT NULL,
  `raw_body_id` int(11) DEFAULT NULL,
  `raw_headers_id` int(11) DEFAULT NULL,
  `inspected` tinyint(1) DEFAULT 0,
  `spam` tinyint(1) DEFAULT 0,
  `spam_score` decimal(8,2) DEFAULT 0.00,
  `threat` tinyint(1) DEFAULT 0,
  `threat_details` varchar(255) DEFAULT NULL,
  `bounce` tinyint(1) DEFAULT 0,
  `bounce_for_id` int(11) DEFAULT 0,
  `tag` varchar(255) DEFAULT NULL,
  `loaded` decimal(18,6) DEFAULT NULL,
  `clicked` decimal(18,6) DEFAULT NULL,
  `received_with_ssl` tinyint(1) DEFAULT NULL,
  `hold_expiry` decimal(18,6) DEFAULT NULL,
  `tracked_links` int(11) DEFAULT 0,
  `tracked_images` int(11) DEFAULT 0,
  `parsed` tinyint(4) DEFAULT 0,
  `endpoint_id` int(11) DEFAULT NULL,
  `endpoint_type` varchar(255) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `on_message_id` (`message_id`(8)) USING BTREE,
  KEY `on_token` (`token`(6)) USING BTREE,
  KEY `on_bounce_for_id` (`bounce_for_id`) USING BTREE,
  KEY `on_held` (`held`) USING BTREE,
  KEY `on_scope_and_status` (`scope`(1),`spam`,`status`(6),`timestamp`) USING BTREE,
  KEY `on_scope_and_tag` (`scope`(1),`spam`,`tag`(8),`timestamp`) USING BTREE,
  KEY `on_scope_and_spam` (`scope`(1),`spam`,`timestamp`) USING BTREE,
  KEY `on_scope_and_thr_status` (`scope`(1),`threat`,`status`(6),`timestamp`) USING BTREE,
  KEY `on_scope_and_threat` (`scope`(1),`threat`,`timestamp`) USING BTREE,
  KEY `on_rcpt_to` (`rcpt_to`(12),`timestamp`) USING BTREE,
  KEY `on_mail_from` (`mail_from`(12),`timestamp`) USING BTREE,
  KEY `on_raw_table` (`raw_table`(14)) USING BTREE,
  KEY `on_status` (`status`(8)) USING BTREE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
CREATE TABLE `deliveries` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `message_id` int(11) DEFAULT NULL,
  `status` varchar(255) DEFAULT NULL,
  `code` int(11) DEFAULT NULL,
  `output` varchar(512) DEFAULT NULL,
  `details` varchar(512) DEFAULT NULL,
  `sent_with_ssl` tinyint(1) DEFAULT 0,
  `log_id` varchar(100) DEFAULT NULL,
  `timestamp` decimal(18,6) DEFAULT NULL,
  `time` decimal(8,2) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `on_message_id` (`message_id`) USING BTREE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
CREATE TABLE `loads` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `message_id` int(11) DEFAULT NULL,
  `ip_address` varchar(255) DEFAULT NULL,
  `country` varchar(255) DEFAULT NULL,
  `city` varchar(255) DEFAULT NULL,
  `user_agent` varchar(255) DEFAULT NULL,
  `timestamp` decimal(18,6) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `on_message_id` (`message_id`) USING BTREE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
CREATE TABLE `clicks` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `message_id` int(11) DEFAULT NULL,
  `link_id` int(11) DEFAULT NULL,
  `ip_address` varchar(255) DEFAULT NULL,
  `country` varchar(255) DEFAULT NULL,
  `city` varchar(255) DEFAULT NULL,
  `user_agent` varchar(255) DEFAULT NULL,
  `timestamp` decimal(18,6) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `on_message_id` (`message_id`) USING BTREE,
  KEY `on_link_id` (`link_id`) USING BTREE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
CREATE TABLE `links` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `message_id` int(11) DEFAULT NULL,
  `token` varchar(255) DEFAULT NULL,
  `hash` varchar(255) DEFAULT NULL,
  `url` text DEFAULT NULL,
  `timestamp` decimal(18,6) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `on_message_id` (`message_id`) USING BTREE,
  KEY `on_token` (`token`(8)) USING BTREE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
CREATE TABLE `webhook_requests` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `uuid` varchar(255) DEFAULT NULL,
  `event` varchar(255) DEFAULT NULL,
  `attempt` int(11) DEFAULT NULL,
  `timestamp` decimal(18,6) DEFAULT NULL,
  `status_code` int(1) DEFAULT NULL,
  `body` text DEFAULT NULL,
  `payload` text DEFAULT NULL,
  `will_retry` tinyint(4) DEFAULT NULL,
  `url` varchar(255) DEFAULT NULL,
  `webhook_id` int(11) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `on_uuid` (`uuid`(8)) USING BTREE,
  KEY `on_event` (`event`(8)) USING BTREE,
  KEY `on_timestamp` (`timestamp`) USING BTREE,
  KEY `on_webhook_id` (`webhook_id`) USING BTREE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
CREATE TABLE `webhooks-stand-in` (
  `uuid` varchar(36) NOT NULL,
  `event` varchar(255) NOT NULL,
  `url` text NOT NULL,
  `body` longblob NOT NULL,
  `created_at` double NOT NULL,
  `attempts` int(11) NOT NULL DEFAULT 0,
  PRIMARY KEY (`uuid`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
CREATE TABLE `raw-stand-in` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `data` longblob DEFAULT NULL,
  `next` int(11) DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
CREATE TABLE `raw_message_sizes` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `table_name` varchar(255) DEFAULT NULL,
  `size` bigint(20) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `on_table_name` (`table_name`(14)) USING BTREE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
