// Leaks an engine, on purpose: the tools that watch the other tests must see it.
#include "support.h"

int main(void)
{
    grl_engine *engine = open_engine(NULL);
    engine = NULL;
    return engine != NULL;
}
