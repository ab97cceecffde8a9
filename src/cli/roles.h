/* roles.h - who may do what at Kafka and Redis: one table, by command and role. `topics --acls` prints from it, and
 * docs/security.md's tables are made from it. */
#pragma once

#include "common.h"

typedef enum {
    LC_ROLE_SERVICE,
    LC_ROLE_PUBLISHER,
    LC_ROLE_INGEST,
    LC_ROLE_ALERT,
    LC_ROLE_DASHBOARD,
    LC_ROLE_TOOLS,
    LC_ROLE_ADMIN,
    LC_ROLES
} lc_role;

/* As in "service". */
extern const char *const lc_role_names[LC_ROLES + 1];

typedef enum {
    LC_MAY_READ,
    LC_MAY_WRITE,
    LC_MAY_CREATE,
    LC_MAY_DELETE,
    LC_MAY_ALTER,
    LC_MAY_DESCRIBE,
    LC_MAY_DESCRIBE_CONFIGS,
    LC_OPERATIONS
} lc_operation;

/* As Kafka calls them: "DESCRIBE_CONFIGS". */
extern const char *const lc_operation_names[LC_OPERATIONS];

/* What rights are on. A transactional id stands for all that begin with it. */
typedef enum { LC_ON_TOPIC, LC_ON_GROUP, LC_ON_TRANSACTIONAL_ID, LC_RESOURCES } lc_resource;

/* The names on which a role needs each right, by operation and resource (owned texts); what another right contains is
 * left out. */
typedef struct {
    GPtrArray *names[LC_OPERATIONS][LC_RESOURCES];
} lc_rights;

/* Of a service that is configured so. */
lc_rights *lc_rights_new(lc_role role, const lc_config *config);
void lc_rights_free(lc_rights *rights);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_rights, lc_rights_free)

/* The commands of leadclock that a role is for, as "`verify`, `rebuild`". Caller frees. */
char *lc_role_commands(lc_role role);

/* The commands of Redis that a role needs where Redis is reached so, as in "+get +set". Empty: it needs no Redis.
 * Caller frees. */
char *lc_role_redis_commands(lc_role role, const lc_config *config);

/* The tables as Markdown, for docs/security.md. Caller frees. */
char *lc_roles_reference(void);

/* ---- acls.c ---- */

/* Prints what gives `role` (NULL: each) its rights, as commands for a shell. `principal`, `redis_user`: whose; NULL:
 * User:NAME-ROLE and NAME-ROLE. False: no such role, or one principal for several roles; already said. */
bool lc_cli_print_acls(const lc_config *config, const char *role, const char *principal, const char *redis_user);
