// GNUstep's headers ask for this one, which GCC's Objective-C runtime does not bring.
#include <Block.h>
