/* The addresses of simulated nodes: 10.0.x.y, as gossip has IPv4, one number
 * each. */
#ifndef TESTS_SIM_SIM_ADDRESS_H
#define TESTS_SIM_SIM_ADDRESS_H

#include "proto/gossip.h"

#define SIM_ADDRESS_PORT 7946

static inline struct gossip_address sim_address_of(size_t number)
{
    struct gossip_address address = {.port = SIM_ADDRESS_PORT};

    address.ip[10] = 0xff;
    address.ip[11] = 0xff;
    address.ip[12] = 10;
    address.ip[14] = (uint8_t)(number >> 8);
    address.ip[15] = (uint8_t)(number & 0xff);
    return address;
}

static inline size_t sim_address_number(const struct gossip_address *address)
{
    return (size_t)address->ip[14] << 8 | address->ip[15];
}

#endif
