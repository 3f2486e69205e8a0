/* SPDX-License-Identifier: Apache-2.0 */
#include "guest.h"

#include <stdlib.h>
#include <string.h>

struct guest guest;

static const struct guest_scenario *find_scenario(const char *name)
{
    const struct guest_scenario *const all[] = {guest_confined, guest_ending, guest_forking, guest_many,
                                                guest_surroundings};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        for (const struct guest_scenario *at = all[i]; at->name != NULL; at++)
            if (strcmp(at->name, name) == 0)
                return at;
    return NULL;
}

int main(int argc, char **argv)
{
    const struct guest_scenario *scenario = argc >= 5 ? find_scenario(argv[1]) : NULL;
    if (scenario == NULL)
        return fputs("usage: guest SCENARIO MODULE TOKEN KEY [FOLDER]\n", stderr), 2;
    guest.path = argv[2];
    guest.token = argv[3];
    guest.key = argv[4];
    guest.folder = argc > 5 ? argv[5] : NULL;
    guest.pin = getenv("TP_PIN");
    scenario->run();
    return 0;
}
